"""Progress reports, limited in rate: the first at once, the last when the attempt ends."""

from collections.abc import Callable
from math import isfinite
from time import monotonic

from project.errors import InvalidField
from project.records.record import Progress

MIN_INTERVAL_SECONDS = 0.25
"""Seconds between two reports that are stored, however often the job reports."""

MAX_NOTE_CHARACTERS = 200
"""A longer note is cut to its first characters."""


class ProgressReporter:
    """Limits how often the progress of one attempt is stored.

    ``store`` stores one report; ``clock`` gives seconds.
    """

    def __init__(
        self, store: Callable[[Progress], object], clock: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._next_at = 0.0
        self._held: Progress | None = None

    def report(self, progress: Progress) -> None:
        """Store a report, or hold it back until ``MIN_INTERVAL_SECONDS`` have passed."""
        self._held = progress
        if self._clock() >= self._next_at:
            self.flush()

    def flush(self) -> None:
        """Store the report that is held back, if any."""
        held, self._held = self._held, None
        if held:
            self._store(held)
            self._next_at = self._clock() + MIN_INTERVAL_SECONDS


def build_progress(done: float, total: float | None, note: str) -> Progress:
    """Build a progress report. Raises ``InvalidField`` when a number is not finite."""
    for field, number in {"done": done, "total": total}.items():
        if number is not None and not isfinite(number):
            raise InvalidField(field, f"{number} is not a finite number")
    return Progress(done, total, note[:MAX_NOTE_CHARACTERS])
