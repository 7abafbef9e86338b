"""Wait until a condition holds: poll often, give up after a time limit."""

import threading
import time
from collections.abc import Callable

import pytest

FIRST_PAUSE_SECONDS = 0.005
MAX_PAUSE_SECONDS = 0.1


def wait_until[A](look: Callable[[], A], seconds: float = 15.0) -> A:
    """The first true result of ``look``; the test fails when there is none within ``seconds``."""
    end = time.monotonic() + seconds
    never, pause = threading.Event(), FIRST_PAUSE_SECONDS
    while True:
        if answer := look():
            return answer
        if time.monotonic() >= end:
            pytest.fail(f"not true within {seconds:g} s, last answer {answer!r}")
        never.wait(pause)
        pause = min(pause * 1.3, MAX_PAUSE_SECONDS)
