"""Wait until a condition holds: poll often, give up after a time limit."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.02


def wait_until[A](look: Callable[[], A], seconds: float, what: str) -> A:
    """The first true result of ``look``. Raises ``TimeoutError`` after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        if answer := look():
            return answer
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(PAUSE_SECONDS)
