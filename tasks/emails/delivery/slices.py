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
from project.settings.values import DAY, settings
from project.store.commands import queries
from tasks.emails.delivery import commands
from tasks.emails.delivery.attempt import Attempt, Passed, delivery_of
from tasks.emails.delivery.chunks import Order, Roll
from tasks.emails.delivery.commands import Taken, Tally
from tasks.emails.delivery.ledger import Outcome, RedisLedger, outcomes, settled
from tasks.emails.delivery.ledger_store import Books
from tasks.emails.delivery.rate_limit import Pace
from tasks.emails.delivery.server import parse

TURN_SECONDS = 15.0
LOOK_SECONDS = 0.25
"""How often somebody who mails looks whether the blast is paused or cancelled."""

GIVEN_BACK_SECONDS = 1.0
LONGEST_WAIT = 10.0
PAUSED_SECONDS = 3_600.0
SAID_IN_SECONDS = SAID_IN_MINUTES = 90
MOST_TRIES = 10
LONGEST_BACKOFF = 600
"""Seconds: who is put off is tried again after 2, 4, 8 ... 512, for a quarter of an hour."""


class Turn:
    """One job's turn at a blast. ``tell`` is called four times a second while it works."""

    def __init__(
        self, order: Order, holder: str, books: Books, tell: Callable[[], None] = lambda: None
    ) -> None:
        server = parse(settings().mail_url)
        ledger = RedisLedger(books, order.job_id, resend=order.on_unknown == "resend")
        pace = Pace(books, str(server), order.job_id, order.rate)
        self._roll = Roll(books, order, holder)
        self._attempt = Attempt(order, ledger, pace, self._may_go_on)
        self._tell = tell
        self._ends = time.monotonic() + turn_seconds()
        self._look_at = 0.0
        self._taken = Taken("wait")

    def work(self) -> Taken:
        """Go through chunks until there is none to take, or the turn is over; what there is then.

        A turn that is over waits for 0 seconds. Raises what ``blast.deliver`` does.
        """
        with self._attempt:
            while (taken := self._roll.take()).how == "chunk":
                self._look_at = time.monotonic() + LOOK_SECONDS
                self._taken = taken
                self._put(taken, self._attempt.go_through(self._roll.rows(taken)))
                if self._is_over:
                    return Taken("wait") if self._taken.how == "chunk" else self._taken
        return taken

    def give_back(self, seconds: float) -> None:
        """Leave the chunk to others, after so many seconds."""
        if self._taken.how == "chunk":
            self._roll.put(self._taken, after=seconds, tries=self._taken.tries)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self._ends or self._taken.how != "chunk"

    def _may_go_on(self) -> bool:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            self._tell()
            held, self._taken = self._taken, self._roll.take()
            if self._taken.chunk != held.chunk:
                return False
        return not self._is_over

    def _put(self, taken: Taken, passed: Passed) -> None:
        tries = taken.tries + 1
        if passed.stopped:
            self._roll.put(taken, after=0, tries=taken.tries)
        elif not passed.left:
            self._roll.put(taken, after=None, tries=0)
        elif tries < MOST_TRIES:
            self._roll.put(taken, after=min(2**tries, LONGEST_BACKOFF), tries=tries)
        else:
            self._roll.put(taken, after=float("inf"), tries=tries)


def lead(job: Job, order: Order, helper: Job) -> dict[str, Any]:
    """A turn of the blast's own job: the result when all is done, else the job is postponed.

    Raises ``PermanentError`` when people are left who were put off too often.
    """
    books = Books(app.store.client)
    refuse_unstarted(books, order)
    taken = own_turn(job, order, helper, books)
    report(job, books, order)
    if taken.how == "left":
        raise PermanentError(about_those_left(books.run(commands.tally(order.job_id))))
    if taken.how == "over":
        job.checkpoint()
        raise Ignore
    if taken.how != "done":
        job.postpone(PAUSED_SECONDS if taken.how == "paused" else min(taken.wait, LONGEST_WAIT))
    return finish(books, order)


def own_turn(job: Job, order: Order, helper: Job, books: Books) -> Taken:
    """Work beside helpers, who are called when there is something for them; what there is then."""
    roll = Roll(books, order)
    if not roll.open(job.request.retries):
        return Taken("paused")
    turn = Turn(order, order.job_id, books, lambda: report(job, books, order))
    taken = roll.take()
    if taken.free:
        call_helpers(job, helper, taken.free)
    return turn.work() if taken.how == "chunk" else taken


def finish(books: Books, order: Order) -> dict[str, Any]:
    """The result of a blast that is done, which is kept no longer than its record."""
    books.run(commands.keep(order.job_id, settings().retention_success + DAY))
    return result_of(order, books.run(commands.tally(order.job_id)))


def help_out(job: Job, blast: str) -> str:
    """A turn of a helper; why it ended. What goes wrong is for the blast's own job to notice."""
    record = app.store.run(queries.read(blast))
    if record is None or record.is_final:
        return "over"
    args, kwargs = app.store.run(queries.read_payload(blast))
    turn = Turn(Order(blast, *args, **kwargs), job.request.id, Books(app.store.client))
    try:
        return turn.work().how
    except (TransientError, PermanentError) as problem:
        turn.give_back(GIVEN_BACK_SECONDS)
        return f"{type(problem).__name__}: {problem}"


def call_helpers(job: Job, helper: Job, free: int) -> None:
    """Let others on the same queue take the chunks that are free, for a turn."""
    count = min(free, settings().mail_workers - 1)
    said = job.request.delivery_info or {}
    options = {name: said[name] for name in ("routing_key", "priority") if said.get(name)}
    queue = options.pop("routing_key", "")
    if queue and queue != app.conf.task_default_queue:
        options["queue"] = queue
    enqueue_many(helper.s(blast=job.request.id).set(**options) for _ in range(count))


def refuse_unstarted(books: Books, order: Order) -> None:
    """Raise ``PermanentError`` for a blast whose recipients were never complete."""
    if order.upload and not books.run(commands.about(order.job_id))[0]:
        raise PermanentError("its recipients were never complete: it was not started in time")


def report(job: Job, books: Books, order: Order) -> None:
    """Tell how far the blast is; of one recipient or none there is nothing to tell."""
    tally = books.run(commands.tally(order.job_id))
    counts = settled(tally)
    done, total = counts.total() - counts[Outcome.RETRY], max(tally.lines, len(order.recipients))
    if total > 1:
        job.progress(done, total, note_of(tally, done, total))


def note_of(tally: Tally, done: int, total: int) -> str:
    """The counts of a blast in words, and when it may be done.

    ``12 sent, 1 bounced; 2 connections; 3 s left``
    """
    counts = settled(tally)
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    if words and tally.connections:
        words += f"; {tally.connections} connection{'s'[: tally.connections != 1]}"
    if not done or done >= total or not tally.began:
        return words
    left = (tally.at - tally.began) / done * (total - done)
    return f"{words}; {span(left)} left"


def span(seconds: float) -> str:
    """A time as people say it: in seconds, minutes or hours."""
    if seconds < SAID_IN_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < SAID_IN_MINUTES else f"{minutes / 60:.1f} h"


def result_of(order: Order, tally: Tally) -> dict[str, Any]:
    """The result of a blast that is done; ``duration`` in seconds, ``rate`` in mails a second.

    ``connections`` to the mail server were opened, with so many mails on each.
    """
    counts = asdict(delivery_of(outcomes(tally)))
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


def about_those_left(tally: Tally) -> str:
    """Why a blast has failed although the server is there."""
    counts = outcomes(tally)
    return (
        f"{counts[Outcome.RETRY]} of {tally.lines} recipients were put off {MOST_TRIES} times; "
        f"sent to {counts[Outcome.SENT]}. Run the job again to mail only those who are left"
    )


def turn_seconds() -> float:
    """How long a turn is: a worker that is told to stop waits for its end."""
    return max(min(TURN_SECONDS, settings().drain_seconds * 0.75), 1.0)
