"""Working on a blast in turns, so that others get theirs: its own job leads, helpers join in.

Whoever works takes a chunk of recipients, goes through it, gives it back and takes another.
After some seconds, or when all that is left has to wait, the turn ends and the job is queued
again, uncounted. Nothing is remembered between turns but what the roll and the ledger say.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from celery.exceptions import Ignore

from project.celery import app
from project.errors import PermanentError, TransientError
from project.job.bulk import enqueue_many
from project.job.task import Job
from project.settings.values import DAY_SECONDS, get_settings
from project.store.commands import queries
from tasks.emails.delivery import commands
from tasks.emails.delivery.attempt import DeliveryAttempt, PassResult, delivery_counts_of
from tasks.emails.delivery.commands import MailingTally, TakeResult
from tasks.emails.delivery.ledger import (
    RecipientOutcome,
    RedisMailingLedger,
    count_outcomes,
    count_settled,
)
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.order import MailingOrder, RecipientChunks
from tasks.emails.delivery.rate_limit import MailRateLimiter
from tasks.emails.delivery.server import parse_mail_url

SLICE_SECONDS = 15.0
CHECK_INTERVAL_SECONDS = 0.25
"""How often somebody who mails looks whether the blast is paused or cancelled."""

RETURN_DELAY_SECONDS = 1.0
MAX_WAIT_SECONDS = 10.0
PAUSED_SECONDS = 3_600.0
MAX_SHOWN_SECONDS = MAX_SHOWN_MINUTES = 90
MAX_TRIES = 10
MAX_BACKOFF_SECONDS = 600
"""Seconds: who is put off is tried again after 2, 4, 8 ... 512, for a quarter of an hour."""


class MailingSlice:
    """One job's turn at a blast. ``tell`` is called four times a second while it works."""

    def __init__(
        self,
        order: MailingOrder,
        holder: str,
        books: LedgerStore,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        server = parse_mail_url(get_settings().mail_url)
        ledger = RedisMailingLedger(books, order.job_id, resend=order.on_unknown == "resend")
        pace = MailRateLimiter(books, str(server), order.job_id, order.rate)
        self._chunks = RecipientChunks(books, order, holder)
        self._attempt = DeliveryAttempt(order, ledger, pace, self._may_continue)
        self._tell = tell
        self._ends_at = time.monotonic() + compute_slice_seconds()
        self._check_at = 0.0
        self._last_take = TakeResult("wait")

    def work(self) -> TakeResult:
        """Go through chunks until there is none to take, or the turn is over; what there is then.

        A turn that is over waits for 0 seconds. Raises what ``blast.deliver`` does.
        """
        with self._attempt:
            while (taken := self._chunks.take()).how == "chunk":
                self._check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
                self._last_take = taken
                self._return_chunk(taken, self._attempt.mail_all(self._chunks.rows(taken)))
                if self._is_over:
                    return TakeResult("wait") if self._last_take.how == "chunk" else self._last_take
        return taken

    def return_held_chunk(self, seconds: float) -> None:
        """Leave the chunk to others, after so many seconds."""
        if self._last_take.how == "chunk":
            self._chunks.put(self._last_take, after=seconds, tries=self._last_take.tries)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self._ends_at or self._last_take.how != "chunk"

    def _may_continue(self) -> bool:
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
            self._tell()
            held, self._last_take = self._last_take, self._chunks.take()
            if self._last_take.chunk != held.chunk:
                return False
        return not self._is_over

    def _return_chunk(self, taken: TakeResult, passed: PassResult) -> None:
        tries = taken.tries + 1
        if passed.stopped:
            self._chunks.put(taken, after=0, tries=taken.tries)
        elif not passed.left:
            self._chunks.put(taken, after=None, tries=0)
        elif tries < MAX_TRIES:
            self._chunks.put(taken, after=min(2**tries, MAX_BACKOFF_SECONDS), tries=tries)
        else:
            self._chunks.put(taken, after=float("inf"), tries=tries)


def run_leader_slice(job: Job, order: MailingOrder, helper: Job) -> dict[str, Any]:
    """A turn of the blast's own job: the result when all is done, else the job is postponed.

    Raises ``PermanentError`` when people are left who were put off too often.
    """
    books = LedgerStore(app.store.client)
    refuse_unstarted(books, order)
    taken = work_beside_helpers(job, order, helper, books)
    report_progress(job, books, order)
    if taken.how == "left":
        raise PermanentError(format_leftover_error(books.run(commands.read_tally(order.job_id))))
    if taken.how == "over":
        job.checkpoint()
        raise Ignore
    if taken.how != "done":
        job.postpone(PAUSED_SECONDS if taken.how == "paused" else min(taken.wait, MAX_WAIT_SECONDS))
    return finish_mailing(books, order)


def work_beside_helpers(
    job: Job, order: MailingOrder, helper: Job, books: LedgerStore
) -> TakeResult:
    """Work beside helpers, who are called when there is something for them; what there is then."""
    roll = RecipientChunks(books, order)
    if not roll.open(job.request.retries):
        return TakeResult("paused")
    turn = MailingSlice(order, order.job_id, books, lambda: report_progress(job, books, order))
    taken = roll.take()
    if taken.free:
        enqueue_helpers(job, helper, taken.free)
    return turn.work() if taken.how == "chunk" else taken


def finish_mailing(books: LedgerStore, order: MailingOrder) -> dict[str, Any]:
    """The result of a blast that is done, which is kept no longer than its record."""
    books.run(commands.expire_mailing(order.job_id, get_settings().retention_success + DAY_SECONDS))
    return build_result(order, books.run(commands.read_tally(order.job_id)))


def run_helper_slice(job: Job, blast: str) -> str:
    """A turn of a helper; why it ended. What goes wrong is for the blast's own job to notice."""
    record = app.store.run(queries.read_record(blast))
    if record is None or record.is_final:
        return "over"
    args, kwargs = app.store.run(queries.read_payload(blast))
    turn = MailingSlice(
        MailingOrder(blast, *args, **kwargs), job.request.id, LedgerStore(app.store.client)
    )
    try:
        return turn.work().how
    except (TransientError, PermanentError) as problem:
        turn.return_held_chunk(RETURN_DELAY_SECONDS)
        return f"{type(problem).__name__}: {problem}"


def enqueue_helpers(job: Job, helper: Job, free: int) -> None:
    """Let others on the same queue take the chunks that are free, for a turn."""
    count = min(free, get_settings().mail_workers - 1)
    said = job.request.delivery_info or {}
    options = {name: said[name] for name in ("routing_key", "priority") if said.get(name)}
    queue = options.pop("routing_key", "")
    if queue and queue != app.conf.task_default_queue:
        options["queue"] = queue
    enqueue_many(helper.s(blast=job.request.id).set(**options) for _ in range(count))


def refuse_unstarted(books: LedgerStore, order: MailingOrder) -> None:
    """Raise ``PermanentError`` for a blast whose recipients were never complete."""
    if order.upload and not books.run(commands.read_upload_state(order.job_id))[0]:
        raise PermanentError("its recipients were never complete: it was not started in time")


def report_progress(job: Job, books: LedgerStore, order: MailingOrder) -> None:
    """Tell how far the blast is; of one recipient or none there is nothing to tell."""
    tally = books.run(commands.read_tally(order.job_id))
    counts = count_settled(tally)
    done, total = (
        counts.total() - counts[RecipientOutcome.RETRY],
        max(tally.lines, len(order.recipients)),
    )
    if total > 1:
        job.progress(done, total, format_note(tally, done, total))


def format_note(tally: MailingTally, done: int, total: int) -> str:
    """The counts of a blast in words, and when it may be done.

    ``12 sent, 1 bounced; 2 connections; 3 s left``
    """
    counts = count_settled(tally)
    words = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in RecipientOutcome if counts[outcome]
    )
    if words and tally.connections:
        words += f"; {tally.connections} connection{'s'[: tally.connections != 1]}"
    if not done or done >= total or not tally.began:
        return words
    left = (tally.at - tally.began) / done * (total - done)
    return f"{words}; {format_duration(left)} left"


def format_duration(seconds: float) -> str:
    """A time as people say it: in seconds, minutes or hours."""
    if seconds < MAX_SHOWN_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < MAX_SHOWN_MINUTES else f"{minutes / 60:.1f} h"


def build_result(order: MailingOrder, tally: MailingTally) -> dict[str, Any]:
    """The result of a blast that is done; ``duration`` in seconds, ``rate`` in mails a second.

    ``connections`` to the mail server were opened, with so many mails on each.
    """
    counts = asdict(delivery_counts_of(count_outcomes(tally)))
    sent = counts.pop("sent")
    duration = max(tally.at - (tally.began or tally.at), 0.001)
    return {
        "sent": sent,
        "template": order.template,
        **({"test": True} if order.letter else {}),
        **{name: count for name, count in counts.items() if count},
        "rate": round(sent / duration, 1),
        "duration": round(duration, 3),
        "connections": tally.connections,
        "mails_per_connection": round(sent / max(tally.connections, 1), 1),
    }


def format_leftover_error(tally: MailingTally) -> str:
    """Why a blast has failed although the server is there."""
    counts = count_outcomes(tally)
    return (
        f"{counts[RecipientOutcome.RETRY]} of {tally.lines} recipients were put off "
        f"{MAX_TRIES} times; sent to {counts[RecipientOutcome.SENT]}. "
        "Run the job again to mail only those who are left"
    )


def compute_slice_seconds() -> float:
    """How long a turn is: a worker that is told to stop waits for its end."""
    return max(min(SLICE_SECONDS, get_settings().drain_seconds * 0.75), 1.0)
