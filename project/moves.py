"""Every command we send to Redis, by name. Pure: a move is made here and run by a store.

Each move is one Lua script (``lua/<name>.lua``), so it happens whole or not at
all, and asking twice after a lost answer changes nothing more.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from math import isfinite
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType, structs

from project.errors import DuplicateJob, InvalidField
from project.history import NOTES, Minute, minutes, read_note
from project.labels import DEFAULT_QUEUE, Label, owned_by, queue_of, read_label
from project.meters import Meters, read_meters
from project.records import (
    Cause,
    Estimate,
    Event,
    Failure,
    Page,
    Progress,
    Queue,
    Running,
    ShownTask,
    Stats,
    TaskRecord,
    TaskStatus,
    Wanted,
    Worker,
)

FIELDS = (
    "kind",
    "status",
    "attempts",
    "max_retries",
    "result",
    "error",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "interruptions",
    "progress",
)

ERRORS = "errors"
"""The field that lists leave out: 20 failures, up to 60 KB."""

SHOWN = (*FIELDS, ERRORS)

MOST_LOOKED_AT = 1_000
"""Records that one page looks at; Redis does nothing else for some milliseconds."""

MOST_RUNNING = 500
"""Running jobs that are told apart by their workers."""

type Field = bytes | None
type Argument = str | bytes | int | float

NO_CAUSE = Cause(kind="", message="", traceback="")

_progress = msgspec.json.Decoder(Progress)
_failures = msgspec.json.Decoder(Failure)


class Move[T](NamedTuple):
    """A script, what it is given, and how its answer is read."""

    script: str
    arguments: Sequence[Argument]
    read: Callable[[Any], T]


class Message(NamedTuple):
    """A Celery message ready to be put on a queue.

    ``queue`` is the Redis list, ``text`` the message as kombu writes it,
    ``payload`` the JSON of ``[args, kwargs]``, ``due`` seconds since the epoch
    or None for at once, ``max_retries`` the most attempts the job gets, ``facets``
    what it is filed under beside its kind and queue, ``callback`` the message, its id ``UNNAMED``,
    of the job that tells how it ended.
    """

    id: str
    kind: str
    queue: str
    text: str
    payload: str
    max_retries: int
    due: float | None = None
    facets: tuple[str, ...] = ()
    callback: "Message | None" = None

    @property
    def label(self) -> Label:
        """What the job is filed under."""
        return Label(self.kind, queue_of(self.queue), self.facets)

    def owned_by(self, tenant: str) -> "Message":
        """The message of the same job, which is a tenant's."""
        callback = self.callback and self.callback.owned_by(tenant)
        return self._replace(facets=(*owned_by(tenant), *self.facets), callback=callback)


class Said(NamedTuple):
    """An order under an idempotency key: ``text`` is all that it says, kept for ``seconds``."""

    key: str
    text: str
    seconds: int


class Unique(NamedTuple):
    """A key that one job of a kind holds: ``during`` is queued, unfinished or so many seconds."""

    key: str
    during: str | float = "unfinished"


class Once(NamedTuple):
    """What became of an order that may have been made before.

    ``made``: here is its record. ``replayed``: the record that was answered then, and what was
    ``said`` then. ``held``: another job, ``holder``, has the unique key.
    """

    how: Literal["made", "replayed", "held"]
    record: TaskRecord | None = None
    said: str = ""
    holder: str = ""


class Question(NamedTuple):
    """Which records are wanted; an empty part means all.

    Times are seconds since the epoch, neither is in the range itself. A record has each of the
    ``facets``. ``error`` is a part of its error; to find one, records have to be read, so a page
    looks at ``MOST_LOOKED_AT`` of them and may be short, or empty, before the end.
    """

    kinds: Sequence[str] = ()
    queues: Sequence[str] = ()
    statuses: Sequence[TaskStatus] = ()
    facets: Sequence[str] = ()
    created_after: float | None = None
    created_before: float | None = None
    error: str = ""

    @property
    def is_scan(self) -> bool:
        """Whether records have to be read to tell which ones are meant."""
        return bool(self.error) or len(self.facets) > 1

    def lists(self) -> list[Sequence[str]]:
        """Kinds, queues, statuses and facets as Redis keeps them."""
        queues = ["" if queue == DEFAULT_QUEUE else queue for queue in self.queues]
        return [self.kinds, queues, [status.value for status in self.statuses], self.facets]


EVERYTHING = Question()


class Outcome(NamedTuple):
    """A record with the exception it ended with and the jobs it called, in Celery's JSON."""

    record: TaskRecord
    exception: Any
    children: Any


class Ending(NamedTuple):
    """What a delivery tells: what became of which job, and when (seconds since the epoch).

    ``record`` is that job's as it is now, None when it is no longer kept; ``is_wanted`` whether
    the URL still takes callbacks.
    """

    status: TaskStatus
    at: float
    job_id: str
    record: TaskRecord | None
    is_wanted: bool = True


class Verdict(StrEnum):
    """What became of a move that an attempt asked for."""

    GO = "go"
    AGAIN = "again"
    REFUSED = "refused"


class Cancel(StrEnum):
    """What became of the wish to stop a job."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    FINAL = "final"
    UNKNOWN = "unknown"


class Start(StrEnum):
    """What became of an attempt that wanted to begin."""

    STARTED = "started"
    REFUSED = "refused"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Fate(StrEnum):
    """What became of a message that was given back."""

    RETURNED = "returned"
    DROPPED = "dropped"
    POISON = "poison"


class Reaped(NamedTuple):
    """A dead worker, the messages it held, and how many of them are not run again."""

    worker: str
    messages: int
    poison: int


class Pass(NamedTuple):
    """A request that is admitted or not: how many more are now, seconds until all, until one."""

    is_admitted: bool
    left: int
    reset: float
    wait: float


class Noted(NamedTuple):
    """An event and its place in the stream of all events, which is Redis's own id for it."""

    place: str
    event: Event


class Replay(NamedTuple):
    """What happened after a place in the stream, looked at up to ``place``.

    Not ``is_whole``: some of it is forgotten. ``is_more``: there may be more to look at.
    """

    events: list[Noted]
    place: str
    is_whole: bool
    is_more: bool


class Upkeep(NamedTuple):
    """What a round of promotion did: messages sent, seconds until the next is due."""

    promoted: int
    next_in: float | None


def enqueue(message: Message) -> Move[TaskRecord]:
    """Record, lists and message in one step. Raises ``DuplicateJob`` when the id is taken.

    The same move run twice (its answer was lost) happens once.
    """
    script, arguments, read = enqueue_all([message])

    def only(answer: list[bytes]) -> TaskRecord:
        (outcome,) = read(answer)
        if isinstance(outcome, DuplicateJob):
            raise outcome
        return outcome

    return Move(script, arguments, only)


def enqueue_all(messages: Sequence[Message]) -> Move[list[TaskRecord | DuplicateJob]]:
    """The same for many, in one step: what became of each, in their order."""
    arguments: list[Argument] = [new_call()]
    for message in messages:
        arguments += about_job(message)

    def read(answer: list[bytes]) -> list[TaskRecord | DuplicateJob]:
        pairs = zip(messages, answer, strict=True)
        return [
            first_record(message, float(created_at)) if created_at else DuplicateJob(message.id)
            for message, created_at in pairs
        ]

    return Move("enqueue", arguments, read)


def enqueue_once(
    message: Message, *, said: Said | None = None, unique: Unique | None = None
) -> Move[Once]:
    """Enqueue a job unless the same was asked for before. Raises ``DuplicateJob``."""
    key, text, seconds = said or Said("", "", 0)
    name, during = unique or Unique("", "")
    conditions: tuple[Argument, ...] = (key, text, seconds, name, during)

    def read(answer: list[bytes]) -> Once:
        how, *about = [item.decode() for item in answer]
        if how == "made":
            return Once("made", first_record(message, float(about[0])))
        if how == "replayed":
            then = message._replace(id=about[1])
            return Once("replayed", first_record(then, float(about[2])), said=about[0])
        if how == "held":
            return Once("held", holder=about[0])
        raise DuplicateJob(message.id)

    return Move("enqueue_once", (*conditions, new_call(), *about_job(message)), read)


def about_job(message: Message) -> tuple[Argument, ...]:
    """A job as it is told to the scripts that enqueue."""
    if message.due is not None and not isfinite(message.due):
        raise InvalidField("countdown", f"{message.due} is no time")
    due = "" if message.due is None else repr(message.due)
    if message.callback:
        due = f"{due}\n{about_callback(message.callback)}"
    about = (message.id, message.label.write(), message.max_retries, message.payload)
    return (*about, message.queue, message.text, due)


UNNAMED = "@id@"
"""The id of a message that is to get one when it is sent."""


def about_callback(message: Message) -> str:
    """A message that is to be sent later, as it is kept."""
    about = (message.queue, message.max_retries, message.payload, message.text)
    return "\n".join(map(str, (*about, message.label.write())))


def first_record(message: Message, created_at: float) -> TaskRecord:
    """The record of a job that was just enqueued."""
    label = message.label
    return TaskRecord(
        id=message.id,
        kind=label.kind,
        status=TaskStatus.PENDING,
        attempts=0,
        max_retries=message.max_retries,
        result=None,
        error="",
        created_at=created_at,
        updated_at=created_at,
        started_at=None,
        finished_at=None,
        queue=label.queue,
        tags=label.tags,
        errors=[],
        tenant=label.tenant or UNSET,
    )


def start(job_id: str, *, retries: int, token: str, revival: str = "") -> Move[Start]:
    """An attempt begins, unless its message is out of date or its job unknown."""
    return Move("start", (job_id, retries, token, revival), read_start)


def register(message: Message, *, retries: int) -> Move[bool]:
    """Make a record for a job that a plain Celery client sent. False: there is one."""
    about = (message.label.write(), message.max_retries, message.payload, retries)
    return Move("register", (message.id, *about), bool)


def park(message: Message, *, retries: int) -> Move[None]:
    """Keep the message of an attempt that cannot start now, until it may."""
    return Move("park", (message.id, retries, message.queue, message.text), lambda _: None)


def interrupt(job_id: str, *, token: str, cause: str = "") -> Move[Fate]:
    """Take a running attempt back; with a ``cause``, what killed it."""
    return Move("interrupt", (job_id, token, cause), lambda fate: Fate(fate.decode()))


def succeed(
    job_id: str, *, token: str, result: str, news: str, children: str = ""
) -> Move[Verdict]:
    """The attempt worked; ``result`` is JSON."""
    return Move("succeed", (job_id, token, result, children, news), read_verdict)


def advance(
    success: Move[Verdict],
    *,
    worker: str,
    done: str,
    serial: str,
    lists: Sequence[str],
    kinds: str,
) -> Move[tuple[Verdict, bytes | None]]:
    """Do ``success``, and begin the next job of these kinds as ``serial``: its message, if any.

    ``done``: the serial that is ended, "" when that is the main process's. Without ``lists``
    nothing is taken. ``kinds`` are names between newlines.
    """

    def parse(answer: list[bytes]) -> tuple[Verdict, bytes | None]:
        return read_verdict(answer[0]), answer[1] if len(answer) > 1 else None

    arguments = (*success.arguments, worker, done, serial, kinds, *lists)
    return Move("advance", arguments, parse)


def retry(
    job_id: str, *, token: str, error: str, delay: float, message: Message, cause: Cause = NO_CAUSE
) -> Move[Verdict]:
    """The attempt failed; the next one waits ``delay`` seconds."""
    if not isfinite(delay):
        raise InvalidField("countdown", f"{delay} is no time")
    next_one = (message.label.shelf, message.queue, message.text)
    about = msgspec.json.encode(cause)
    return Move("retry", (job_id, token, error, delay, *next_one, about), read_verdict)


def postpone(job_id: str, *, token: str, delay: float, message: Message) -> Move[Verdict]:
    """The attempt ends uncounted; its job goes on after ``delay`` seconds."""
    return Move("postpone", (job_id, token, delay, message.queue, message.text), read_verdict)


def hurry(job_id: str) -> Move[bool]:
    """A job that waits for its time is due now. False: it does not wait."""
    return Move("hurry", (job_id,), bool)


def fail(
    job_id: str,
    *,
    token: str,
    status: TaskStatus,
    error: str,
    exception: str,
    news: str,
    cause: Cause = NO_CAUSE,
    revival: str | None = None,
) -> Move[Verdict]:
    """There is no further attempt. An empty ``token`` is for a job that never started.

    With a ``revival``, that of its message, one that was revived since stays as it is.
    """
    about = msgspec.json.encode(cause)
    message = () if revival is None else (revival,)
    arguments = (job_id, token, status.value, error, exception, news, about, *message)
    return Move("fail", arguments, read_verdict)


def revive(message: Message, *, attempts: int, call: str = "", repeats: bool = False) -> Move[bool]:
    """Run a failed or cancelled job again. False: it is neither (any more).

    A job is revived once by a ``call``: whoever asks again under its name is told the same.
    ``repeats``: one that succeeded is run again, too.
    """
    job_id, _, max_retries, payload, queue, text, due = about_job(message)
    wish = (job_id, call or new_call(), attempts)
    arguments = (*wish, max_retries, payload, queue, text, due, int(repeats))
    return Move("revive", arguments, bool)


def read_payload(job_id: str) -> Move[list[Any]]:
    """The arguments of a job: ``[args, kwargs]``."""
    return Move("read", (job_id, "payload"), lambda values: json_of(values[0]) or [[], {}])


def delivery(job_id: str, url: str) -> Move[Ending | None]:
    """What the delivery with this id and URL tells; None when it is none."""

    def parse(answer: list[Any]) -> Ending | None:
        if not answer:
            return None
        status, at, about, disabled, fields = answer
        record = record_of(about.decode(), fields)
        return Ending(TaskStatus(text(status)), float(at), about.decode(), record, not disabled)

    return Move("delivery", (job_id, url, *FIELDS), parse)


def last_delivery(job_id: str) -> Move[str]:
    """The id of the delivery that tells how a job ended; "" when there is none."""
    return Move("read", (job_id, "delivery"), lambda values: text(values[0]))


def disable(url: str) -> Move[bool]:
    """Send no more callbacks to a URL."""
    return Move("disable", (url,), bool)


def enable(url: str) -> Move[bool]:
    """Send callbacks to a URL again. False: they were sent anyway."""
    return Move("enable", (url,), bool)


def disabled(most: int) -> Move[list[tuple[str, float]]]:
    """URLs that want no more callbacks, and since when; newest first."""

    def parse(answer: list[bytes]) -> list[tuple[str, float]]:
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [(url.decode(), float(since)) for url, since in pairs]

    return Move("disabled", (most,), parse)


def cancel(job_id: str) -> Move[Cancel]:
    """Stop a job: at once when it waits, through its worker when it runs."""
    return Move("cancel", (job_id,), lambda answer: Cancel(answer.decode()))


def cancelling(worker: str) -> Move[dict[str, str]]:
    """The jobs that a worker is asked to stop, each with the token of its attempt."""

    def parse(answer: list[bytes]) -> dict[str, str]:
        ids, tokens = answer[::2], answer[1::2]
        return {job.decode(): token.decode() for job, token in zip(ids, tokens, strict=True)}

    return Move("cancelling", (worker,), parse)


def is_cancelling(job_id: str) -> Move[bool]:
    """Whether somebody wants a running job stopped."""
    return Move("is_cancelling", (job_id,), bool)


def cancelled(job_id: str, *, token: str) -> Move[Verdict]:
    """The attempt ends because it was asked to."""
    return Move("cancelled", (job_id, token), read_verdict)


def progress(job_id: str, *, token: str, made: Progress) -> Move[Verdict]:
    """A running attempt says how far it is."""
    return Move("progress", (job_id, token, msgspec.json.encode(made)), read_verdict)


def claim(job_id: str, *, token: str, key: str) -> Move[bool]:
    """Begin what must be done once. False: it was begun before."""
    return Move("claim", (job_id, token, key, new_call()), bool)


def unclaim(job_id: str, *, token: str, key: str) -> Move[bool]:
    """It was not done after all."""
    return Move("unclaim", (job_id, token, key), bool)


def read(job_id: str) -> Move[TaskRecord | None]:
    """The record, or None when there is none."""
    return Move("read", (job_id, *SHOWN), lambda values: whole_record(job_id, values))


def show(job_id: str) -> Move[TaskRecord | None]:
    """The record; of a pending job a ``ShownTask`` that says what is to be expected."""

    def parse(values: list[Any]) -> TaskRecord | None:
        fields, outlook = values[: len(SHOWN)], values[len(SHOWN) :]
        record = whole_record(job_id, fields)
        return shown(record, *outlook) if record and outlook else record

    return Move("show", (job_id, *SHOWN), parse)


def measure(*, every: float, most: int) -> Move[bool]:
    """Note how long jobs take lately, by their ``most`` newest. False: that was done lately."""
    return Move("measure", (every, most), bool)


def read_outcome(job_id: str) -> Move[Outcome | None]:
    """The record and what Celery's own result carries beside it."""

    def parse(values: list[Field]) -> Outcome | None:
        *fields, exception, children = values
        record = record_of(job_id, fields)
        return Outcome(record, json_of(exception), json_of(children)) if record else None

    return Move("read", (job_id, *FIELDS, "exception", "children"), parse)


def look(job_id: str) -> Move[tuple[str, TaskRecord | None]]:
    """A record, and the place of the last event that it knows of."""

    def parse(answer: list[Field]) -> tuple[str, TaskRecord | None]:
        place, *values = answer
        return text(place), whole_record(job_id, values)

    return Move("look", (job_id, *FIELDS, ERRORS), parse)


def last_place() -> Move[str]:
    """The place of the last event."""
    return Move("look", ("", "kind"), lambda answer: text(answer[0]))


def replay(place: str, wanted: Wanted, *, most: int) -> Move[Replay]:
    """The events after ``place`` that are wanted, among the next ``most``."""

    def parse(answer: list[Any]) -> Replay:
        whole, more, end, *found = answer
        return Replay([noted_of(*item) for item in found], text(end), bool(whole), bool(more))

    return Move("replay", (place, most, *wanted), parse)


def page(
    question: Question = EVERYTHING, *, limit: int, cursor: tuple[float, str] | None = None
) -> Move[Page]:
    """The records that a question is about, newest first, at most ``limit``."""
    oldest = "-inf" if question.created_after is None else f"({question.created_after!r}"
    newest = "+inf" if question.created_before is None else f"({question.created_before!r}"
    score, after = (repr(cursor[0]), cursor[1]) if cursor else ("", "")

    def parse(answer: list[Any]) -> Page:
        total, looked_at, last_score, last_id, *rows = answer
        found = (record_of(row[0].decode(), row[1:]) for row in rows)
        records = [record for record in found if record]
        place = (float(last_score), last_id.decode()) if last_id else None
        return Page(records, None if question.is_scan else total, place, looked_at)

    arguments: list[Argument] = [limit, MOST_LOOKED_AT, score, after, oldest, newest]
    arguments.append(question.error)
    for wanted in question.lists():
        arguments += [len(wanted), *wanted]
    return Move("page", [*arguments, *FIELDS], parse)


def stats(tenant: str = "") -> Move[Stats]:
    """Counts over everything, at a cost that does not depend on how much that is.

    Of a ``tenant`` only its jobs are counted; ``queue_size`` is how many of those are pending.
    """

    def parse(answer: list[Any]) -> Stats:
        waiting, slots, *pairs = answer
        counts = {name.decode(): count for name, count in zip(pairs[::2], pairs[1::2], strict=True)}
        return Stats(waiting, sum(counts.values()), slots, counts)

    return Move("stats", owned_by(tenant), parse)


def queues() -> Move[list[Queue]]:
    """How every queue is doing that has ever had a message, or has a worker."""

    def parse(answer: list[Any]) -> list[Queue]:
        return sorted((queue_from(row) for row in answer), key=lambda queue: queue.name)

    return Move("queues", (), parse)


def meters() -> Move[Meters]:
    """All that is counted about jobs, workers and HTTP."""
    return Move("meters", (), read_meters)


def remember(*, every: float) -> Move[bool]:
    """Write down what has been counted. False: that was done lately."""
    return Move("remember", (every, NOTES), bool)


def history() -> Move[list[Minute]]:
    """The last hour, minute by minute, oldest first."""
    return Move("history", (NOTES,), lambda notes: minutes([read_note(note) for note in notes]))


def add_up(process: str, number: int, amounts: Mapping[str, int]) -> Move[bool]:
    """Add what an HTTP server has counted to what all have; a ``number`` counts once."""
    pairs = [item for pair in amounts.items() for item in pair]
    return Move("add_up", (process, number, *pairs), bool)


def pause(queue: str) -> Move[bool]:
    """Let a queue hand out nothing until it is resumed."""
    return Move("pause", (queue,), bool)


def resume(queue: str) -> Move[bool]:
    """Let a queue hand out its messages again, at once."""
    return Move("resume", (queue,), bool)


def shelves() -> Move[list[str]]:
    """Every kind and queue that have ever had a record, as a label without facets."""
    return Move("shelves", (), lambda names: sorted(name.decode() for name in names))


def admit(name: str, limit: int, window: int) -> Move[Pass]:
    """Whether one more request of ``name`` may pass: at most ``limit`` in ``window`` seconds."""

    def parse(answer: list[Any]) -> Pass:
        admitted, left, reset, wait = answer
        return Pass(bool(admitted), left, float(reset), float(wait))

    return Move("admit", (name, limit, window), parse)


def promote(most: int) -> Move[Upkeep]:
    """Put messages that are due on their queues, at most ``most``."""

    def parse(answer: list[Any]) -> Upkeep:
        promoted, next_due, at = answer
        return Upkeep(promoted, max(float(next_due) - float(at), 0.0) if next_due else None)

    return Move("promote", (most,), parse)


def unsent(*, waited: float, most: int) -> Move[list[tuple[str, str]]]:
    """Messages that another broker should have had for ``waited`` seconds: job id and text."""

    def parse(answer: list[bytes]) -> list[tuple[str, str]]:
        texts = [item.decode() for item in answer]
        return list(zip(texts[::2], texts[1::2], strict=True))

    return Move("unsent", (waited, most), parse)


def sent(job_id: str) -> Move[bool]:
    """Another broker has confirmed the message of a job."""
    return Move("sent", (job_id,), bool)


def sweep(
    *, shelf: str, status: TaskStatus, kept: int, offset: int, most: int
) -> Move[tuple[int, int]]:
    """Delete final records older than ``kept`` seconds; how many, and where to look next."""
    return Move("sweep", (shelf, status.value, kept, offset, most), lambda pair: (pair[0], pair[1]))


def lease(
    worker: str, seconds: float, about: dict[str, Argument], *, first: bool = False
) -> Move[bool]:
    """A worker lives. False: its lease had ended and its jobs were given away."""
    pairs = [item for pair in about.items() for item in pair]
    return Move("lease", (worker, seconds, int(first), *pairs), bool)


def workers() -> Move[list[Worker]]:
    """Every worker whose lease holds."""
    return Move("workers", (MOST_RUNNING,), lambda answer: [worker_of(*row) for row in answer])


def leave(worker: str) -> Move[int]:
    """A worker ends in good order; how many messages it gave back."""
    return Move("leave", (worker,), int)


def reap(lease_seconds: float) -> Move[list[Reaped]]:
    """Give the jobs of dead workers to others, unless everybody is late after an outage."""

    def parse(answer: list[Any]) -> list[Reaped]:
        triples = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return [Reaped(worker.decode(), messages, poison) for worker, messages, poison in triples]

    return Move("reap", (lease_seconds,), parse)


def fetch(
    worker: str, *, serial: int, most: int, done: Sequence[str], lists: Sequence[str]
) -> Move[list[tuple[str, bytes]]]:
    """Take up to ``most`` messages in hand, numbered from ``serial``; each with its list."""

    def parse(answer: list[bytes]) -> list[tuple[str, bytes]]:
        return [(name.decode(), text) for name, text in zip(answer[::2], answer[1::2], strict=True)]

    return Move("fetch", (worker, serial, most, len(done), *done, *lists), parse)


def ack(worker: str, serials: Sequence[str]) -> Move[int]:
    """The worker is done with these messages."""
    return Move("ack", (worker, *serials), int)


def release(worker: str, serials: Sequence[str]) -> Move[list[Fate]]:
    """Give messages back, nobody's fault."""
    return Move(
        "release", (worker, *serials), lambda fates: [Fate(fate.decode()) for fate in fates]
    )


def release_others(worker: str, kept: Sequence[str]) -> Move[int]:
    """Give back all the worker holds but what it runs; how many went back."""
    return Move("release_others", (worker, *kept), int)


def bury(worker: str, begins: str, cause: str) -> Move[int]:
    """A pool process has died: what it had taken by itself goes back; how many are to run again.

    Its serials are those that begin so.
    """
    return Move("bury", (worker, begins, cause), int)


def put_aside(worker: str, serial: str) -> Move[int]:
    """Keep a message that nobody can read apart; how many there ever were."""
    return Move("put_aside", (worker, serial), int)


def new_call() -> str:
    """Names one call of a move, so that Redis knows it again when the answer was lost."""
    return os.urandom(4).hex()


def read_start(answer: bytes) -> Start:
    """The answer of an attempt that wanted to begin."""
    return Start(answer.decode())


def read_verdict(answer: bytes) -> Verdict:
    """The answer of a guarded move."""
    return Verdict(answer.decode())


def whole_record(job_id: str, values: Sequence[Field]) -> TaskRecord | None:
    """A record from the values of ``FIELDS`` and ``ERRORS``; None when there is none."""
    *fields, errors = values
    return record_of(job_id, fields, _failures.decode_lines(errors) if errors else [])


def record_of(
    job_id: str, values: Sequence[Field], errors: list[Failure] | UnsetType = UNSET
) -> TaskRecord | None:
    """A record from the values of ``FIELDS``; None when there is none."""
    if values[0] is None:
        return None
    field = dict(zip(FIELDS, values, strict=True))
    label = read_label(text(field["kind"]))
    return TaskRecord(
        id=job_id,
        kind=label.kind,
        status=TaskStatus(text(field["status"])),
        attempts=int(field["attempts"] or 0),
        max_retries=int(field["max_retries"] or 0),
        result=json_of(field["result"]),
        error=text(field["error"]),
        created_at=float(field["created_at"] or 0),
        updated_at=float(field["updated_at"] or 0),
        started_at=seconds(field["started_at"]),
        finished_at=seconds(field["finished_at"]),
        interruptions=int(field["interruptions"] or 0),
        queue=label.queue,
        tags=label.tags,
        progress=progress_of(field["progress"]),
        errors=errors,
        tenant=label.tenant or UNSET,
    )


def shown(record: TaskRecord, position: int | bytes, starts_at: bytes, ends_at: bytes) -> ShownTask:
    """A pending job with its place and its times, each "" when nobody knows."""
    estimate = Estimate(float(starts_at), float(ends_at)) if starts_at else None
    place = position if isinstance(position, int) else None
    return ShownTask(**structs.asdict(record), position=place, estimate=estimate)


def queue_from(row: Sequence[Any]) -> Queue:
    """A queue from the script's answer."""
    name, waiting, oldest, running, paused, workers = row
    return Queue(
        name=name.decode(),
        waiting=None if waiting == b"" else waiting,
        running=running,
        paused=bool(paused),
        oldest=seconds(oldest),
        workers=workers,
    )


def noted_of(place: bytes, fields: Sequence[bytes]) -> Noted:
    """An event from its place and its names and values in turn."""
    field = dict(zip(fields[::2], fields[1::2], strict=True))
    label = read_label(text(field[b"kind"]))
    event = Event(
        id=text(field[b"id"]),
        kind=label.kind,
        queue=label.queue,
        status=TaskStatus(text(field[b"status"])),
        attempts=int(field[b"attempts"]),
        at=int(place.partition(b"-")[0]) / 1000,
        progress=progress_of(field.get(b"progress")),
        tenant=label.tenant,
    )
    return Noted(place.decode(), event)


def worker_of(
    worker_id: bytes, lease_ends: bytes, about: Sequence[bytes], jobs: Sequence[bytes]
) -> Worker:
    """A worker, from its fields and values in turn, and of each job its id, shelf and start."""
    field = dict(zip(texts(about[::2]), texts(about[1::2]), strict=True))
    memory = field.get("memory")
    return Worker(
        id=worker_id.decode(),
        host=field["host"],
        pid=int(field["pid"]),
        queues=field["queues"].split("\n"),
        slots=int(field["slots"]),
        started_at=float(field["started_at"]),
        lease_ends=float(lease_ends),
        memory=int(memory) if memory else None,
        jobs=[running_of(*jobs[at : at + 3]) for at in range(0, len(jobs), 3)],
    )


def running_of(job_id: bytes, shelf: bytes, started_at: bytes) -> Running:
    """A job that runs."""
    return Running(job_id.decode(), read_label(shelf.decode()).kind, float(started_at))


def texts(values: Sequence[bytes]) -> list[str]:
    """Values of Redis as texts."""
    return [value.decode() for value in values]


def progress_of(value: Field) -> Progress | None:
    """A stored progress, None when there is none."""
    return _progress.decode(value) if value else None


def json_of(value: Field) -> Any:
    """A stored JSON value, None when it is not there."""
    return msgspec.json.decode(value) if value else None


def text(value: Field) -> str:
    """A stored text, "" when it is not there."""
    return value.decode() if value else ""


def seconds(value: Field) -> float | None:
    """A stored time, None when it is not there."""
    return float(value) if value else None
