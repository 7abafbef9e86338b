"""What a mailing says about itself: progress, result and error, from the numbers of its ledger."""

from dataclasses import asdict
from typing import Any

from project.job.task import Job
from tasks.emails.delivery.commands import MailingTally
from tasks.emails.delivery.ledger import (
    RecipientOutcome,
    count_deliveries,
    count_outcomes,
    count_settled,
)
from tasks.emails.delivery.order import MailingOrder

MAX_SHOWN_SECONDS = MAX_SHOWN_MINUTES = 90


def report_progress(job: Job, order: MailingOrder, tally: MailingTally) -> None:
    """Store the progress of a mailing; one of at most one recipient has no progress."""
    counts = count_settled(tally)
    done = counts.total() - counts[RecipientOutcome.RETRY]
    total = max(tally.entries, len(order.recipients))
    if total > 1:
        job.progress(done, total, format_note(tally, done, total))


def format_note(tally: MailingTally, done: int, total: int) -> str:
    """The counts and the time left: ``12 sent, 1 bounced; 2 connections; 3 s left``."""
    counts = count_settled(tally)
    words = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in RecipientOutcome if counts[outcome]
    )
    if words and tally.connections:
        words += f"; {tally.connections} connection{'s'[: tally.connections != 1]}"
    if not done or done >= total or not tally.started_at:
        return words
    seconds_left = (tally.read_at - tally.started_at) / done * (total - done)
    return f"{words}; {format_duration(seconds_left)} left"


def format_duration(seconds: float) -> str:
    """A duration as ``12 s``, ``12 min`` or ``1.2 h``."""
    if seconds < MAX_SHOWN_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < MAX_SHOWN_MINUTES else f"{minutes / 60:.1f} h"


def build_result(order: MailingOrder, tally: MailingTally) -> dict[str, Any]:
    """The result of a finished mailing.

    ``duration`` is in seconds, ``rate`` in mails per second; outcomes that no recipient has are
    left out, except ``sent``.
    """
    counts = asdict(count_deliveries(tally))
    sent = counts.pop("sent")
    duration = max(tally.read_at - (tally.started_at or tally.read_at), 0.001)
    return {
        "sent": sent,
        "template": order.template,
        **({"test": True} if order.letter else {}),
        **{outcome: count for outcome, count in counts.items() if count},
        "rate": round(sent / duration, 1),
        "duration": round(duration, 3),
        "connections": tally.connections,
        "mails_per_connection": round(sent / max(tally.connections, 1), 1),
    }


def format_leftover_error(tally: MailingTally, tries: int) -> str:
    """The error of a mailing with recipients that the server put off ``tries`` times."""
    counts = count_outcomes(tally)
    return (
        f"{counts[RecipientOutcome.RETRY]} of {tally.entries} recipients were put off "
        f"{tries} times; sent to {counts[RecipientOutcome.SENT]}. "
        "Run the job again to mail only those who are left"
    )
