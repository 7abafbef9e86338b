"""What a worker does again and again, each thing at its own pace."""

import time
from collections.abc import Callable

RETRY_SECONDS = 0.25
"""Seconds after which something that failed is tried again."""

type Work = Callable[[], float]
"""Does what there is to do; answers with the seconds until it wants to be called again."""


class Chores:
    """Calls each work when it is due. One that fails does not hold up the others."""

    def __init__(self, *works: Work) -> None:
        self._due_at = dict.fromkeys(works, 0.0)

    def do_due(self) -> float:
        """Do what is due, in the order given; the seconds until something is again."""
        for work, due_at in self._due_at.items():
            if due_at <= time.monotonic():
                self._due_at[work] = time.monotonic() + RETRY_SECONDS
                pause = work()
                self._due_at[work] = time.monotonic() + pause
        return max(min(self._due_at.values()) - time.monotonic(), 0.0)
