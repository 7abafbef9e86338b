"""The pace of mails: rate limits that all workers share, and a slower pace for a busy server."""

import time
from collections import deque
from typing import NamedTuple

from project.store.commands.command import Command
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.order import RecipientRow
from tasks.emails.settings import get_mail_settings

MAX_PAUSE_SECONDS = 1.0
"""A job that waits for a rate limit checks this often whether the mailing still runs."""

FIRST_GAP_SECONDS = 0.1
MAX_GAP_SECONDS = 5.0
"""The longest pause between two mails to an overloaded server."""


class RateLimit(NamedTuple):
    """At most ``rate`` mails a second under this name."""

    name: str
    rate: float


class MailRateLimiter:
    """Picks the next recipient, at the time when a mail may go.

    ``server`` and ``mailing_id`` name the limits; ``rate`` is that of the mailing in mails per
    second, 0 for no limit.
    """

    def __init__(self, store: LedgerStore, server: str, mailing_id: str, rate: float = 0.0) -> None:
        self._store = store
        both = (
            RateLimit(f"server:{server}", get_mail_settings().mail_rate),
            RateLimit(f"blast:{mailing_id}", rate),
        )
        self._limits = [limit for limit in both if limit.rate]
        self._domain_rate = get_mail_settings().mail_domain_rate
        self._blocked_until: dict[str, float] = {}
        self._gap = 0.0

    def pick(self, waiting: deque[RecipientRow]) -> RecipientRow | None:
        """Remove and return the next recipient; None after a pause when no limit allows one."""
        if self._gap:
            time.sleep(min(self._gap, MAX_GAP_SECONDS))
        if not self._limits and not self._domain_rate:
            return waiting.popleft()
        return self._pick_allowed(waiting)

    def slow_down(self) -> None:
        """Double the time between mails: the server is overloaded."""
        self._gap = min(max(self._gap * 2, FIRST_GAP_SECONDS), MAX_GAP_SECONDS)

    def speed_up(self) -> None:
        """Halve the time between mails: the server accepted one."""
        self._gap = self._gap / 2 if self._gap > FIRST_GAP_SECONDS else 0.0

    def _pick_allowed(self, waiting: deque[RecipientRow]) -> RecipientRow | None:
        pause = MAX_PAUSE_SECONDS
        for _ in range(len(waiting)):
            domain = _domain_of(waiting[0])
            wait = self._blocked_until.get(domain, 0.0) - time.monotonic()
            if wait <= 0:
                wait, is_of_domain = self._acquire(domain)
                if not wait:
                    return waiting.popleft()
                if not is_of_domain:
                    pause = wait
                    break
                self._blocked_until[domain] = time.monotonic() + wait
            pause = min(pause, wait)
            waiting.rotate(-1)
        time.sleep(min(pause, MAX_PAUSE_SECONDS))
        return None

    def _acquire(self, domain: str) -> tuple[float, bool]:
        """Seconds to wait (0: a mail may go), and whether the limit of the domain says so."""
        limits = [*self._limits]
        if self._domain_rate:
            limits.append(RateLimit(f"domain:{domain}", self._domain_rate))
        wait, place = self._store.run(acquire_permit(limits))
        return wait, place == len(self._limits)


def acquire_permit(limits: list[RateLimit]) -> Command[tuple[float, int]]:
    """Ask all limits for one mail: seconds to wait, and the place of the slowest limit."""
    flat = [item for limit in limits for item in limit]
    return Command("emails/rate_limits/pace", flat, lambda pair: (pair[0] / 1000, pair[1]))


def _domain_of(row: RecipientRow) -> str:
    return row.address.rpartition("@")[2]
