"""The ledger of a mailing: the state of each recipient, over all attempts and crashes.

::

    (none) ──claim──> claimed ──about_to_send──> dot ──settle──> sent
     retry ──claim──^    │                        ├────────────> rejected
                         ├──settle──> bounced     ├────────────> unknown
                         └──settle──> retry <─────┘

An attempt may take over the claim of another attempt: that attempt is dead, or learns from
``about_to_send`` that it lost the recipient. It never takes over a ``dot``, unless the order says
``resend``: the mail may be out, and no recipient is mailed twice. A recipient on the suppression
list becomes ``suppressed`` instead of ``claimed``. An invalid address starts as ``invalid``.

``mailing.Mailing`` reads and writes the ledger; this module says what its states mean.
"""

from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum

from tasks.emails.delivery.commands import MailingTally


class RecipientOutcome(StrEnum):
    """The outcome for one recipient. All but ``RETRY`` are final."""

    SENT = "sent"
    RETRY = "retry"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    UNKNOWN = "unknown"


WAITING = "waiting"
"""Shown for a recipient without an outcome."""


@dataclass(frozen=True)
class DeliveryCounts:
    """The number of recipients per final outcome, over all attempts of a mailing.

    ``sent``: the server accepted the mail. ``bounced``: it refused the recipient. ``rejected``: it
    refused the mail. ``suppressed``: the address is on the suppression list. ``invalid``: it is not
    an e-mail address. ``unknown``: the reply was lost, the mail may have arrived and is not sent
    again.
    """

    sent: int = 0
    bounced: int = 0
    rejected: int = 0
    suppressed: int = 0
    invalid: int = 0
    unknown: int = 0


def fold_address(address: str) -> str:
    """The key of a mailbox: spellings that differ in case are one mailbox."""
    return address.lower()


def outcome_of(state: str) -> str:
    """The outcome that a ledger state stands for, or ``WAITING``."""
    word = state.partition(":")[0]
    if word in {"", "claimed"}:
        return WAITING
    return RecipientOutcome.UNKNOWN.value if word == "dot" else word


def is_open(state: str, *, can_resend: bool) -> bool:
    """Whether an attempt may still mail a recipient in this state."""
    outcome = outcome_of(state)
    return outcome in {WAITING, RecipientOutcome.RETRY} or (
        can_resend and outcome == RecipientOutcome.UNKNOWN
    )


def count_settled(tally: MailingTally) -> Counter[RecipientOutcome]:
    """The recipients that have an outcome, per outcome."""
    return Counter({outcome: tally.counts.get(outcome.value, 0) for outcome in RecipientOutcome})


def count_outcomes(tally: MailingTally) -> Counter[RecipientOutcome]:
    """The recipients with a ledger entry, per outcome; a claimed one counts as ``RETRY``."""
    counts: Counter[RecipientOutcome] = Counter()
    for state, count in tally.counts.items():
        counts[RecipientOutcome(outcome_of(state))] += count
    counts[RecipientOutcome.RETRY] += tally.entries - counts.total()
    return +counts


def count_deliveries(tally: MailingTally) -> DeliveryCounts:
    """The counts of a finished mailing."""
    counts = count_outcomes(tally)
    return DeliveryCounts(
        **{field.name: counts[RecipientOutcome(field.name)] for field in fields(DeliveryCounts)}
    )
