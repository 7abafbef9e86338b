"""Waiting for something to become true: looked at often, never for ever."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.02


def wait_until[A](look: Callable[[], A], seconds: float, what: str) -> A:
    """The first true answer of ``look``. Raises ``TimeoutError`` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        if answer := look():
            return answer
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(PAUSE_SECONDS)
