"""The deadline of a whole call, shared by all its steps."""

from time import monotonic


class Deadline:
    """A point in time ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def seconds_left(self) -> float:
        """Return the remaining seconds, more than 0. Raises ``TimeoutError`` when it has passed."""
        seconds = self._end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds
