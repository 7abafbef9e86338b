"""What the main process tells its pool processes, over a pipe: one JSON object a line."""

import os
import select
import threading
from contextlib import suppress
from typing import Any

import msgspec


class OrderSheet(msgspec.Struct, omit_defaults=True):
    """What a pool process is told. A part that is None leaves what was told before.

    ``queues`` to take from (none: wait); ``events``: whether somebody listens to task events;
    ``limits``: kind -> soft and hard seconds that ``control.time_limit`` set;
    ``revoked`` and ``revoked_stamps``: as Celery keeps them;
    ``cancelled``: running jobs to stop, where a process runs several at once; ``stop``: end after
    the jobs that run.
    """

    queues: list[str] | None = None
    events: bool | None = None
    limits: dict[str, tuple[float | None, float | None]] | None = None
    revoked: list[str] | None = None
    revoked_stamps: dict[str, Any] | None = None
    cancelled: list[str] | None = None
    stop: bool | None = None


class OrderWriter:
    """The writing end, in the main process. It never waits.

    A process reads between two jobs; what its pipe does not take is kept until ``flush``.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._unsent = b""
        self._sending = threading.Lock()
        os.set_blocking(pipe, False)

    def send(self, sheet: OrderSheet) -> None:
        """Give orders; a process that has ended hears nothing."""
        with self._sending:
            self._unsent += msgspec.json.encode(sheet) + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write as much as the pipe takes."""
        with self._sending, suppress(OSError):
            while self._unsent:
                self._unsent = self._unsent[os.write(self._pipe, self._unsent) :]

    def close(self) -> None:
        """Close the pipe; the process reads an end of file."""
        os.close(self._pipe)


class Orders:
    """The reading end, in the pool process."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.queues: list[str] = []
        self.events = False
        self.limits: dict[str, tuple[float | None, float | None]] = {}
        self.revoked: frozenset[str] = frozenset()
        self.revoked_stamps: dict[str, Any] = {}
        self.cancelled: frozenset[str] = frozenset()
        self.stop = False
        self._rest = b""
        os.set_blocking(pipe, False)

    def wait_for_first(self) -> None:
        """Wait until there is a queue to take from, or nothing more to do."""
        while not self.queues and not self.stop:
            select.select([self.pipe], [], [], 1.0)
            self.read()

    def read(self) -> bool:
        """Take in what was told since the last call, without waiting; whether that was anything."""
        try:
            text = os.read(self.pipe, 1 << 16)
        except BlockingIOError:
            return False
        if not text:  # the main process is gone
            self.stop = True
            return True
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self._follow(msgspec.json.decode(line, type=OrderSheet))
        return True

    def _follow(self, sheet: OrderSheet) -> None:
        for name in sheet.__struct_fields__:
            value = getattr(sheet, name)
            if value is not None:
                setattr(self, name, frozenset(value) if name in ("revoked", "cancelled") else value)
