"""How fast mails go: limits that all workers share, and slowing down when the server says so."""

import time
from collections import deque
from typing import NamedTuple

from project.settings.values import settings
from tasks.emails.delivery import commands
from tasks.emails.delivery.chunks import Row
from tasks.emails.delivery.ledger_store import Books

LONGEST_PAUSE = 1.0
"""Seconds after which whoever waits looks whether the blast is still to go on."""

FIRST_GAP = 0.1
WIDEST_GAP = 5.0
"""Seconds between two mails to a server that has too much to do."""


class Limit(NamedTuple):
    """So many mails a second under this name."""

    name: str
    rate: float


class Pace:
    """Picks whom to mail next, when it is time. ``server`` and ``blast`` name their limits."""

    def __init__(self, books: Books, server: str, blast: str, rate: float = 0.0) -> None:
        self._books = books
        both = (Limit(f"server:{server}", settings().mail_rate), Limit(f"blast:{blast}", rate))
        self._limits = [limit for limit in both if limit.rate]
        self._domain_rate = settings().mail_domain_rate
        self._closed: dict[str, float] = {}
        self._gap = 0.0

    def pick(self, waiting: deque[Row]) -> Row | None:
        """Take the first that may be mailed now; None after a pause when nobody may."""
        if self._gap:
            time.sleep(min(self._gap, WIDEST_GAP))
        if not self._limits and not self._domain_rate:
            return waiting.popleft()
        return self._admitted(waiting)

    def slow_down(self) -> None:
        """Leave twice the time between mails: the server is overloaded."""
        self._gap = min(max(self._gap * 2, FIRST_GAP), WIDEST_GAP)

    def speed_up(self) -> None:
        """Leave half of the time: it took a mail."""
        self._gap = self._gap / 2 if self._gap > FIRST_GAP else 0.0

    def _admitted(self, waiting: deque[Row]) -> Row | None:
        wait = LONGEST_PAUSE
        for _ in range(len(waiting)):
            domain = _domain(waiting[0])
            closed = self._closed.get(domain, 0.0) - time.monotonic()
            if closed <= 0:
                closed, is_of_domain = self._ask(domain)
                if not closed:
                    return waiting.popleft()
                if not is_of_domain:
                    wait = closed
                    break
                self._closed[domain] = time.monotonic() + closed
            wait = min(wait, closed)
            waiting.rotate(-1)
        time.sleep(min(wait, LONGEST_PAUSE))
        return None

    def _ask(self, domain: str) -> tuple[float, bool]:
        limits = [*self._limits]
        if self._domain_rate:
            limits.append(Limit(f"domain:{domain}", self._domain_rate))
        wait, place = self._books.run(commands.pace(limits))
        return wait, place == len(self._limits)


def _domain(row: Row) -> str:
    return row.address.rpartition("@")[2]
