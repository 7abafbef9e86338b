"""How far a job is, told now and then: the first word at once, the last one at the end."""

from collections.abc import Callable
from math import isfinite
from time import monotonic

from project.errors import InvalidField
from project.records.record import Progress

MIN_INTERVAL_SECONDS = 0.25
"""Seconds between two words, however often the job says one."""

MAX_NOTE_CHARACTERS = 200
"""Characters of a note that are kept: the first ones."""


class ProgressReporter:
    """Passes on what one attempt says of its progress."""

    def __init__(
        self, tell: Callable[[Progress], object], clock: Callable[[], float] = monotonic
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._next_at = 0.0
        self._held: Progress | None = None

    def report(self, progress: Progress) -> None:
        """Pass it on, or keep it until it is time."""
        self._held = progress
        if self._clock() >= self._next_at:
            self.flush()

    def flush(self) -> None:
        """Pass on what was kept."""
        held, self._held = self._held, None
        if held:
            self._tell(held)
            self._next_at = self._clock() + MIN_INTERVAL_SECONDS


def build_progress(done: float, total: float | None, note: str) -> Progress:
    """A progress that can be told. Raises ``InvalidField``."""
    for field, number in {"done": done, "total": total}.items():
        if number is not None and not isfinite(number):
            raise InvalidField(field, f"{number} is no number of things")
    return Progress(done, total, note[:MAX_NOTE_CHARACTERS])
