"""The ledger of a blast: what became of each recipient, across attempts and crashes.

::

    (nothing) ──claim──> claimed ──about_to_send──> dot ──settle──> sent
        retry ──claim──^    │                        ├────────────> rejected
                            ├──settle──> bounced     ├────────────> unknown
                            └──settle──> retry <─────┘

A claim of another attempt may be taken over: that attempt is dead, or it is
told by ``about_to_send`` that the recipient is no longer its own. A ``dot`` is
never taken over, unless the order says ``resend``: the mail may be out, and nobody
is mailed twice. Who is on the suppression list becomes ``suppressed`` instead of
``claimed``; an address that is none is ``invalid`` from the beginning.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import redis

from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger_store import LedgerStore, compute_retention_seconds


class RecipientOutcome(StrEnum):
    """What became of one recipient. All but ``RETRY`` are final."""

    SENT = "sent"
    RETRY = "retry"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    UNKNOWN = "unknown"


WAITING = "waiting"
"""What is said of a recipient that has no outcome yet."""

OPEN_OUTCOMES = frozenset({WAITING, RecipientOutcome.RETRY})


class MailingLedger(Protocol):
    """What one attempt may do for a recipient, decided for all attempts of the blast."""

    def filter_open(self, recipients: Sequence[str]) -> list[str]:
        """Those of the recipients that an attempt may still have to mail."""

    def claim(self, recipient: str) -> bool:
        """Whether this attempt shall mail the recipient."""

    def about_to_send(self, recipient: str) -> bool:
        """Note that the mail goes out now. False: another attempt took over, do not send."""

    def settle(self, recipient: str, outcome: RecipientOutcome, reason: str = "") -> None:
        """Note the outcome for a recipient this attempt has claimed.

        With a ``reason``, such as ``bounced``, the address gets no mail of any blast any more.
        """

    def count_connection(self) -> None:
        """Note that a connection to the mail server was opened."""

    def read_tally(self) -> Counter[RecipientOutcome]:
        """How many recipients there are per outcome; one that is only claimed is a ``RETRY``."""


class RedisMailingLedger:
    """A ``MailingLedger`` for one attempt, kept in the hash ``continuo:mail:{job_id}``.

    Make a new one for every attempt, also for a redelivered one. Every call
    may be repeated when its answer was lost. The hash lives ``keep_seconds``
    after the last claim, by default two days longer than any record is kept:
    a job that can be retried must find its ledger, or it mails everybody again.
    Methods raise ``TransientError`` when Redis does not do what it is asked.
    With ``resend`` whoever may have been mailed already is mailed again.
    """

    def __init__(
        self,
        client: redis.Redis | LedgerStore,
        job_id: str,
        keep_seconds: int = 0,
        *,
        resend: bool = False,
    ) -> None:
        self._store = client if isinstance(client, LedgerStore) else LedgerStore(client)
        self._job_id = job_id
        self._keep_seconds = keep_seconds or compute_retention_seconds()
        self._resend = resend
        self._attempt = uuid.uuid4().hex

    def filter_open(self, recipients: Sequence[str]) -> list[str]:
        """Those without a final outcome, in their order; one round trip for all of them."""
        if not recipients:
            return []
        states = self._store.run(
            commands.read_states(self._job_id, [fold_address(one) for one in recipients])
        )
        return [one for one, state in zip(recipients, states, strict=True) if self._is_open(state)]

    def claim(self, recipient: str) -> bool:
        """Take a recipient that is new, put off, or claimed by another attempt."""
        move = commands.claim(
            self._job_id,
            fold_address(recipient),
            attempt=self._attempt,
            kept=self._keep_seconds,
            resend=self._resend,
        )
        return self._store.run(move)

    def about_to_send(self, recipient: str) -> bool:
        """Claimed by this attempt -> dot."""
        return self._change_state(recipient, f"dot:{self._attempt}")

    def settle(self, recipient: str, outcome: RecipientOutcome, reason: str = "") -> None:
        """Claimed or dot by this attempt -> outcome; anything else stays as it is."""
        self._change_state(recipient, outcome.value, reason)

    def count_connection(self) -> None:
        """One connection more for this blast."""
        self._store.run(commands.count_connection(self._job_id, kept=self._keep_seconds))

    def read_tally(self) -> Counter[RecipientOutcome]:
        """The outcomes of all attempts so far; a dot counts as ``UNKNOWN``."""
        return count_outcomes(self._store.run(commands.read_tally(self._job_id)))

    def _change_state(self, recipient: str, state: str, reason: str = "") -> bool:
        who = fold_address(recipient)
        move = commands.change_state(
            self._job_id, who, attempt=self._attempt, state=state, reason=reason
        )
        return self._store.run(move)

    def _is_open(self, state: str) -> bool:
        outcome = outcome_of(state)
        return outcome in OPEN_OUTCOMES or (self._resend and outcome == RecipientOutcome.UNKNOWN)


def fold_address(address: str) -> str:
    """What a mailbox is known by: spellings that differ in case are one."""
    return address.lower()


def outcome_of(state: str) -> str:
    """The outcome a state stands for, or ``WAITING``."""
    word = state.partition(":")[0]
    if word in {"", "claimed"}:
        return WAITING
    return RecipientOutcome.UNKNOWN.value if word == "dot" else word


def count_settled(tally: commands.MailingTally) -> Counter[RecipientOutcome]:
    """A tally by outcome, without those who wait or are being mailed."""
    return Counter({found: tally.counts.get(found.value, 0) for found in RecipientOutcome})


def count_outcomes(tally: commands.MailingTally) -> Counter[RecipientOutcome]:
    """A tally by outcome; whoever has a line and no outcome is to be tried again."""
    counts: Counter[RecipientOutcome] = Counter()
    for state, count in tally.counts.items():
        counts[RecipientOutcome(outcome_of(state))] += count
    counts[RecipientOutcome.RETRY] += tally.lines - counts.total()
    return +counts
