"""The memory and the busy share of a worker in the last hour, minute by minute."""

from collections import deque
from statistics import fmean

import msgspec

from project.records.record import WorkerLoad

MINUTE_SECONDS = 60
MAX_MINUTES = 60


class LoadHistory:
    """What the worker notes whenever it renews its lease; a minute is the mean of its notes."""

    def __init__(self) -> None:
        self._minutes: deque[WorkerLoad] = deque(maxlen=MAX_MINUTES)
        self._notes: list[tuple[int, float]] = []

    def note(self, at: float, memory: int, busy: float) -> None:
        """Note the bytes of memory, and the share of slots in which a job runs."""
        minute = at // MINUTE_SECONDS * MINUTE_SECONDS
        if self._minutes and self._minutes[-1].at == minute:
            self._minutes.pop()
        else:
            self._notes.clear()
        self._notes.append((memory, busy))
        memories, shares = zip(*self._notes, strict=True)
        self._minutes.append(WorkerLoad(minute, round(fmean(memories)), round(fmean(shares), 3)))

    def format(self) -> bytes:
        """The minutes as JSON, the oldest first, the current one last."""
        return msgspec.json.encode(tuple(self._minutes))
