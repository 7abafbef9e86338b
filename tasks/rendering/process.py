"""The press as a process: ordered, heard and ended here, whatever happens in it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from project.errors import PermanentError, TransientError
from tasks.rendering.definitions.schema import (
    EXIT_TEMPORARY_FAILURE,
    RenderMessage,
    RenderOrder,
    RenderProgress,
    RenderResult,
)

ROOT = Path(__file__).parents[2]
RENDER_COMMAND = (sys.executable, "-m", "tasks.rendering")
"""Run in ``ROOT``; it loads neither Celery nor our settings."""
MAX_ERROR_CHARACTERS = 2_000
"""Characters of the press's last words that are kept, from the end."""

type RenderProcess = subprocess.Popen[bytes]
type ProgressListener = Callable[[RenderProgress], None]

_decode_message: Callable[[bytes], RenderMessage] = msgspec.json.Decoder(RenderMessage).decode


def run_render_process(
    order: RenderOrder, heard: ProgressListener = lambda _: None
) -> RenderResult:
    """What the press makes of the order; ``heard`` is told how far it is.

    Raises ``TransientError`` when the press ran out of time, memory or disk or
    was killed, ``PermanentError`` when the type, its SQL or a filter is wrong.
    """
    seconds = order.origin.limits.seconds
    words = Path(order.folder, "last-words")
    with start_process(words) as press, enforce_deadline(press, seconds) as late:
        send_order(press, order)
        made = receive_result(press, heard)
        code = press.wait()
    if late.is_set():
        raise TransientError(f"it took longer than {seconds} s")
    if made is None or code != 0:
        raise error_from_exit(
            code, words.read_text(errors="replace").strip()[-MAX_ERROR_CHARACTERS:]
        )
    return made


@contextmanager
def start_process(words: Path) -> Iterator[RenderProcess]:
    """A press that waits for its order; it is gone when the block is left."""
    try:
        with words.open("wb") as errors:
            press = subprocess.Popen(  # noqa: S603 - our own module, and no shell
                RENDER_COMMAND,
                cwd=ROOT,
                process_group=0,  # Ctrl-C in a terminal stops the worker, which waits for the press
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
    except OSError as error:
        raise TransientError(f"the press did not start: {error}") from error
    with press:
        try:
            yield press
        finally:
            press.kill()


@contextmanager
def enforce_deadline(press: RenderProcess, seconds: float) -> Iterator[threading.Event]:
    """Kills the press when it is late; the event says whether it was."""
    late = threading.Event()

    def end() -> None:
        late.set()
        press.kill()

    clock = threading.Timer(seconds, end)
    clock.start()
    try:
        yield late
    finally:
        clock.cancel()


def send_order(press: RenderProcess, order: RenderOrder) -> None:
    """Hand over the order; a press that is gone already says why by its end."""
    assert press.stdin  # noqa: S101 - it was started with one
    with suppress(BrokenPipeError), press.stdin:
        press.stdin.write(msgspec.json.encode(order))


def receive_result(press: RenderProcess, heard: ProgressListener) -> RenderResult | None:
    """Pass on the steps; what was made, None when the press ended before."""
    assert press.stdout  # noqa: S101 - it was started with one
    for line in press.stdout:
        message = _decode_message(line)
        if isinstance(message, RenderResult):
            return message
        heard(message)
    return None


def build_progress_listener(job: Any) -> ProgressListener:
    """Tells the job's record how far the press is."""
    return lambda step: job.progress(step.done, step.total, step.note)


def error_from_exit(code: int, said: str) -> Exception:
    """The error that an exit code and last words stand for."""
    if code < 0:
        return TransientError(f"the press was killed by signal {-code}: {said}")
    if code == EXIT_TEMPORARY_FAILURE:
        return TransientError(f"the press gave up: {said}")
    return PermanentError(f"the report cannot be made: {said}")
