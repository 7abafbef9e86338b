"""Wait until a condition holds: poll often, give up after a time limit."""

import os
import threading
import time
from collections.abc import Callable

import pytest

FIRST_PAUSE_SECONDS = 0.005
MAX_PAUSE_SECONDS = 0.1
PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""How many times longer a wait may take, for machines whose cores and disks are shared."""


def wait_until[A](look: Callable[[], A], seconds: float = 15.0) -> A:
    """The first true result of ``look``; the test fails when there is none in time.

    In time means within ``seconds``, times ``TEST_PATIENCE`` of the environment.
    """
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    never, pause = threading.Event(), FIRST_PAUSE_SECONDS
    while True:
        if answer := look():
            return answer
        if time.monotonic() >= end:
            pytest.fail(f"not true within {seconds:g} s, last answer {answer!r}")
        never.wait(pause)
        pause = min(pause * 1.3, MAX_PAUSE_SECONDS)
