"""The task record: the state of a job, as Redis keeps it and the API serves it.

Pure: no clock, no network. ``store`` fills it, ``api`` serves it.
"""

from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

import msgspec
from celery import states

from project.records.grouping import DEFAULT_QUEUE


class TaskStatus(StrEnum):
    """The status of a job. The ``FINAL_STATUSES`` change only by a rerun."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    RETRYING = "retrying"
    CANCELLED = "cancelled"
    WAITING = "waiting"


FINAL_STATUSES = frozenset({TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.CANCELLED})

WAITING_STATUSES = frozenset({TaskStatus.PENDING, TaskStatus.RETRYING, TaskStatus.WAITING})
"""Those of an unfinished job of which no attempt runs."""

WAITING_STATE = "WAITING"
"""What Celery's clients are told of a job that sleeps or waits for a signal."""

CELERY_STATE: dict[TaskStatus, str] = {
    TaskStatus.PENDING: states.PENDING,
    TaskStatus.RUNNING: states.STARTED,
    TaskStatus.RETRYING: states.RETRY,
    TaskStatus.SUCCESS: states.SUCCESS,
    TaskStatus.FAILED: states.FAILURE,
    TaskStatus.CANCELLED: states.REVOKED,
    TaskStatus.WAITING: WAITING_STATE,
}

MAX_BACKOFF_SECONDS = 30
"""Seconds: the longest wait between two attempts."""

DEFAULT_MAX_RETRIES = 3
"""How many attempts a job gets unless its kind or its order says otherwise."""


def compute_backoff(attempt: int) -> int:
    """Seconds to wait after ``attempt`` (1, 2, ...) failed: 2, 4, 8, 16, 30, 30 ..."""
    return min(1 << attempt, MAX_BACKOFF_SECONDS)


class Progress(msgspec.Struct, frozen=True):
    """How far a job is: ``done`` of ``total`` (None: unknown), and a note in words."""

    done: int | float
    total: int | float | None = None
    note: str = ""


class Cause(msgspec.Struct, frozen=True):
    """Why an attempt failed: class and message of the error, and the end of its traceback."""

    kind: str = msgspec.field(name="class")
    message: str
    traceback: str


class Failure(msgspec.Struct, frozen=True):
    """A failed attempt, with its worker; ``at`` is in seconds since the epoch.

    ``attempt`` is its number, 0 for a job that failed before it could start. ``next_delay``:
    seconds until the next attempt, None when there is none. ``interrupted``: the worker stopped
    or died, and the next attempt gets the same number. ``started_at``: when it began, None if it
    never did. The rest is as in ``Cause``.
    """

    at: float
    attempt: int
    worker: str
    kind: str = msgspec.field(name="class")
    message: str
    traceback: str
    next_delay: float | None
    interrupted: bool = False
    started_at: float | None = None


class Step(msgspec.Struct, frozen=True):
    """A step that a job has finished; later attempts skip it.

    Times are in seconds since the epoch. ``wait``: of a wait, what ended it: ``signal``,
    ``timeout`` or ``sleep``; other steps leave it out.
    """

    name: str
    started_at: float
    finished_at: float
    wait: str | msgspec.UnsetType = msgspec.UNSET


class Wait(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a waiting job waits for: a signal of this name, or, of the kind ``sleep``, its time.

    Times are in seconds since the epoch; at ``ends_at`` the job goes on in any case.
    ``question``: what people are asked; ``choices``: what they may answer, as the words on a
    button and the signal that it sends. ``type`` names the type of the signal, "" any.
    """

    name: str
    kind: str
    started_at: float
    ends_at: float
    question: str = ""
    choices: dict[str, Any] = {}
    type: str = ""


class NodePlace(msgspec.Struct, frozen=True):
    """The workflow that a job is a node of, and the name of the node."""

    id: str
    node: str


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a job comes from: a schedule, the trace of a request (32 hexadecimal digits), a job."""

    schedule: str = ""
    trace: str = ""
    job: str = ""

    def __bool__(self) -> bool:
        return self != NO_ORIGIN


NO_ORIGIN = Origin()


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One job, in the field order of the wire format.

    Times are float seconds since the epoch. ``attempts`` counts started attempts;
    ``max_retries`` is how many attempts the job gets at most. ``error`` is the traceback of the
    last failure, "" when there was none. ``interruptions`` counts attempts that ended because
    their worker stopped or died; they are not among ``attempts``. ``tags`` come from the order.
    ``progress`` is the last progress that an attempt reported, None when none did. ``due_at`` is
    the time for which the job waits, because of its order or a retry; None when it
    waits for no time. ``lane`` is where the job waits within its queue, whose lanes take turns;
    "" is the default lane. ``held_by`` is the limit or switch that held it back when its turn came
    last, "" when none did. ``errors`` are the last 20 failed attempts, oldest first; lists leave
    them out. ``steps`` are the finished steps in the order of their ends; lists and jobs without
    steps leave them out. ``wait`` is what a waiting job waits for; lists and other jobs leave it
    out. ``tenant`` owns the job; left out when no tenant does. ``cause`` is the fingerprint
    under which a failed job is filed, see ``GET /errors``; other jobs leave it out. ``workflow``:
    where the job is a node; ``canvas``: the name of the canvas of Celery that it is part of;
    ``origin``: the schedule, the trace and the job that it comes from. Lists and other jobs leave
    them out.
    """

    example: ClassVar[dict[str, Any]] = {
        "id": "3e204e67-77a4-4ca5-8df5-09dae8739844",
        "kind": "report",
        "status": "retrying",
        "attempts": 1,
        "max_retries": 3,
        "result": None,
        "error": "ConnectionError: the database does not answer",
        "created_at": 1795752140.25,
        "updated_at": 1795752141.5,
        "started_at": 1795752140.5,
        "finished_at": None,
        "interruptions": 0,
        "queue": "celery",
        "tags": ["spending"],
        "progress": {"done": 40, "total": 100, "note": "rows read"},
        "due_at": 1795752143.5,
        "lane": "",
        "held_by": "",
    }

    id: str
    kind: str
    status: TaskStatus
    attempts: int
    max_retries: int
    result: Any
    error: str
    created_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None
    interruptions: int = 0
    queue: str = DEFAULT_QUEUE
    tags: list[str] = []
    progress: Progress | None = None
    due_at: float | None = None
    lane: str = ""
    held_by: str = ""
    errors: list[Failure] | msgspec.UnsetType = msgspec.UNSET
    steps: list[Step] | msgspec.UnsetType = msgspec.UNSET
    wait: Wait | msgspec.UnsetType = msgspec.UNSET
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    cause: str | msgspec.UnsetType = msgspec.UNSET
    workflow: NodePlace | msgspec.UnsetType = msgspec.UNSET
    canvas: str | msgspec.UnsetType = msgspec.UNSET
    origin: Origin | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_final(self) -> bool:
        """Whether the job has ended; only a rerun or its deletion changes the record now."""
        return self.status in FINAL_STATUSES

    def to_dict(self) -> dict[str, Any]:
        """The record as the API serves it: plain types, in the order of the fields."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A job changed its status or reported ``progress``; ``id`` is that of the job.

    ``at`` is in seconds since the epoch. ``breaker`` is ``open`` when the end of this attempt made
    the breaker of its kind hold the kind back, ``closed`` when it let it go again. ``news``: the
    failure has a ``cause`` that is ``new``, or back after it was resolved (``regression``).
    """

    id: str
    kind: str
    queue: str
    status: TaskStatus
    attempts: int
    at: float
    progress: Progress | None = None
    tenant: str = ""
    breaker: str = ""
    cause: str = ""
    news: str = ""


class EventFilter(NamedTuple):
    """Which events are wanted, in the order of the fields of an event; "" matches any."""

    job: str = ""
    kind: str = ""
    queue: str = ""
    status: str = ""
    tenant: str = ""

    def matches(self, event: Event) -> bool:
        """Whether the event is wanted."""
        about = (event.id, event.kind, event.queue, event.status, event.tenant)
        return all(want in ("", has) for want, has in zip(self, about, strict=True))


class Estimate(msgspec.Struct, frozen=True):
    """When a pending job will start and end, in seconds since the epoch, if all goes on as lately.

    The jobs before it in its queue and half of those that run, each as long as the newest
    successes of its kind took on average, over the slots of the workers that take from the
    queue; both as they were some seconds ago. Lanes take equal turns. It knows nothing of
    priorities, of retries, of what else those workers do, or of how long this very job will take.
    """

    starts_at: float
    ends_at: float


class ShownTask(TaskRecord, frozen=True, kw_only=True):
    """One job as it is shown by itself: what is to be expected while it is pending.

    ``position``: how many jobs of its lane are before it, 0 for the next; at most so many in a
    lane that an order has named. Priorities are not looked at. Null when it waits for
    its time, is in RabbitMQ, or nobody can say.
    """

    position: int | msgspec.UnsetType | None = msgspec.UNSET
    estimate: Estimate | msgspec.UnsetType | None = msgspec.UNSET


class RecordPage(msgspec.Struct, frozen=True):
    """One page of a list: records newest first, how many match in all, where to go on.

    ``total`` is None when that would mean to read them all. ``next_cursor`` is the creation time
    and id of the last record looked at, None at the end; ``looked_at`` is how many that were.
    """

    records: list[TaskRecord]
    total: int | None
    next_cursor: tuple[float, str] | None
    looked_at: int

    def join(self, following: "RecordPage") -> "RecordPage":
        """Join the page that follows to this one."""
        return msgspec.structs.replace(
            following,
            records=[*self.records, *following.records],
            looked_at=self.looked_at + following.looked_at,
        )


class Queue(msgspec.Struct, frozen=True):
    """How a queue is doing.

    ``waiting`` are messages that no worker has taken, ``running`` jobs. ``oldest``: of the jobs
    whose turn is next, seconds since the first was ordered or last tried; null when none waits.
    ``workers`` are those alive that take from it. ``held_lanes``: lanes in which a limit, or a job
    that slowed its lane down, holds jobs back. ``paused_at``: since when it is paused, in seconds
    since 1970, and ``paused_by`` the name of the API key that did it; null and "" when it is not
    paused, or nobody noted it. ``empty_in``: in about so many seconds nothing waits, if no job
    comes and all goes on as lately; null when that is not known, or nothing waits. With RabbitMQ,
    ``waiting`` is null.
    """

    name: str
    waiting: int | None
    running: int
    paused: bool
    oldest: float | None
    workers: int
    held_lanes: int = 0
    paused_at: float | None = None
    paused_by: str = ""
    empty_in: float | None = None


class Running(msgspec.Struct, frozen=True):
    """A job that a worker is at since ``started_at``, in seconds since the epoch."""

    id: str
    kind: str
    started_at: float


class WorkerLoad(msgspec.Struct, frozen=True):
    """A minute of a worker, which began ``at``, in seconds since the epoch.

    ``memory``: as of the worker. ``busy``: the share of its slots in which a job ran. Both are
    means of what it notes every fourth of ``LEASE_SECONDS``.
    """

    at: float
    memory: int
    busy: float


class Worker(msgspec.Struct, frozen=True):
    """A worker that lives. Times are in seconds since the epoch.

    ``slots``: how many jobs it runs at once, ``queues`` where it takes them from, ``jobs`` what
    it runs now. ``lease_ends``: it is taken for dead then, if it does not renew its lease before.
    ``memory``: bytes resident in all of its processes when it last did; pages that they share
    count in each. Null where that cannot be read. ``clock_skew``: seconds by which the clock of its
    machine is ahead of that of Redis. ``load``: its last 60 minutes, the oldest first, if asked
    for.
    """

    id: str
    host: str
    pid: int
    queues: list[str]
    slots: int
    started_at: float
    lease_ends: float
    memory: int | None
    clock_skew: float
    jobs: list[Running]
    load: list[WorkerLoad] | msgspec.UnsetType = msgspec.UNSET


class Stats(msgspec.Struct, frozen=True):
    """A snapshot of the queue, in the shape ``GET /queue/stats`` answers."""

    queue_size: int
    total_tasks: int
    worker_count: int
    status_counts: dict[str, int]
