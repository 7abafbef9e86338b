"""How fast mails go: limits that all workers share, and slowing down when the server says so."""

import time
from collections import deque
from typing import NamedTuple

from project.settings.values import get_settings
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.order import RecipientRow

MAX_PAUSE_SECONDS = 1.0
"""Seconds after which whoever waits looks whether the blast is still to go on."""

FIRST_GAP_SECONDS = 0.1
MAX_GAP_SECONDS = 5.0
"""Seconds between two mails to a server that has too much to do."""


class RateLimit(NamedTuple):
    """So many mails a second under this name."""

    name: str
    rate: float


class MailRateLimiter:
    """Picks whom to mail next, when it is time. ``server`` and ``blast`` name their limits."""

    def __init__(self, books: LedgerStore, server: str, blast: str, rate: float = 0.0) -> None:
        self._store = books
        both = (
            RateLimit(f"server:{server}", get_settings().mail_rate),
            RateLimit(f"blast:{blast}", rate),
        )
        self._limits = [limit for limit in both if limit.rate]
        self._domain_rate = get_settings().mail_domain_rate
        self._closed: dict[str, float] = {}
        self._gap = 0.0

    def pick(self, waiting: deque[RecipientRow]) -> RecipientRow | None:
        """Take the first that may be mailed now; None after a pause when nobody may."""
        if self._gap:
            time.sleep(min(self._gap, MAX_GAP_SECONDS))
        if not self._limits and not self._domain_rate:
            return waiting.popleft()
        return self._pick_admitted(waiting)

    def slow_down(self) -> None:
        """Leave twice the time between mails: the server is overloaded."""
        self._gap = min(max(self._gap * 2, FIRST_GAP_SECONDS), MAX_GAP_SECONDS)

    def speed_up(self) -> None:
        """Leave half of the time: it took a mail."""
        self._gap = self._gap / 2 if self._gap > FIRST_GAP_SECONDS else 0.0

    def _pick_admitted(self, waiting: deque[RecipientRow]) -> RecipientRow | None:
        wait = MAX_PAUSE_SECONDS
        for _ in range(len(waiting)):
            domain = _domain_of(waiting[0])
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
        time.sleep(min(wait, MAX_PAUSE_SECONDS))
        return None

    def _ask(self, domain: str) -> tuple[float, bool]:
        limits = [*self._limits]
        if self._domain_rate:
            limits.append(RateLimit(f"domain:{domain}", self._domain_rate))
        wait, place = self._store.run(commands.acquire_rate_permit(limits))
        return wait, place == len(self._limits)


def _domain_of(row: RecipientRow) -> str:
    return row.address.rpartition("@")[2]
