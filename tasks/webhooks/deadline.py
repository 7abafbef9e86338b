"""One point in time at which a whole call ends, whatever it is doing then."""

from time import monotonic


class Deadline:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left, more than 0. Raises ``TimeoutError`` when there are none."""
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError
        return left
