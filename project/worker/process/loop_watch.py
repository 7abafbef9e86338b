"""Names the ``async def`` job that blocks its event loop, so that no other job goes on."""

import asyncio
import logging
import sys
import threading
import time
import traceback

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.1
BLOCKED_SECONDS = 1.0
"""A loop that has not run its own timer for so long is blocked."""


class LoopWatch:
    """A thread that looks whether the loop of the thread that makes it still goes round."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._ended = threading.Event()
        self._beat_at = time.monotonic()
        self._beat()
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._ended.set()

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        if not self._ended.is_set():
            self._loop.call_later(BEAT_SECONDS, self._beat)

    def _watch(self) -> None:
        reported_beat = 0.0
        while not self._ended.wait(BEAT_SECONDS):
            beat_at = self._beat_at
            if time.monotonic() - beat_at >= BLOCKED_SECONDS and beat_at != reported_beat:
                reported_beat = beat_at
                self._report()

    def _report(self) -> None:
        task = asyncio.current_task(self._loop)
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - documented, for debuggers
        stack = "".join(traceback.format_stack(frame)) if frame else "unknown"
        name = task.get_name() if task else "unknown"
        log.error("%s blocks the event loop for over %g s:\n%s", name, BLOCKED_SECONDS, stack)
