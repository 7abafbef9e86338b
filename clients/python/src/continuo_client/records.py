"""What the API answers, as it is in JSON. Times are seconds since 1970."""

from typing import Any, Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

R = TypeVar("R")

Status = Literal["pending", "running", "retrying", "success", "failed", "cancelled", "waiting"]

FINAL_STATUSES = frozenset({"success", "failed", "cancelled"})


class Progress(TypedDict):
    """How far a job is: ``done`` of ``total`` (None: unknown)."""

    done: float
    total: float | None
    note: str


Failure = TypedDict(
    "Failure",
    {
        "at": float,
        "attempt": int,
        "worker": str,
        "class": str,
        "message": str,
        "traceback": str,
        "next_delay": float | None,
        "interrupted": NotRequired[bool],
        "started_at": NotRequired[float | None],
    },
)
"""A failed attempt."""


class Estimate(TypedDict):
    """When a pending job will start and end."""

    starts_at: float
    ends_at: float


class Step(TypedDict):
    """A step that a job has finished; its later attempts skip it."""

    name: str
    started_at: float
    finished_at: float
    wait: NotRequired[Literal["signal", "timeout", "sleep"]]


class Wait(TypedDict):
    """What a job waits for: a signal of this name or, of the kind ``sleep``, its time."""

    name: str
    kind: Literal["signal", "sleep"]
    started_at: float
    ends_at: float
    question: NotRequired[str]
    choices: NotRequired[dict[str, Any]]
    type: NotRequired[str]


class SentSignal(TypedDict):
    """What became of a signal; ``kept``: until the job comes to its wait."""

    id: str
    name: str
    result: Literal["sent", "kept", "repeated"]


Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]


class LogLine(TypedDict):
    """A line that a job has logged; ``logger`` is ``print`` for what it printed."""

    at: float
    attempt: int
    level: Level
    logger: str
    message: str


class LogFile(TypedDict):
    """All lines of an attempt that has logged much: JSON lines, compressed with gzip."""

    attempt: int
    lines: int
    left_out: int
    size: int
    filename: str
    download_url: str


class JobLog(TypedDict):
    """What a job has logged after a place; ``next`` is the place to go on from."""

    lines: list[LogLine]
    next: int
    dropped: int
    ended: bool
    files: list[LogFile]


class Record(TypedDict, Generic[R]):
    """One job. ``result`` is None until it has succeeded."""

    id: str
    kind: str
    status: Status
    attempts: int
    max_retries: int
    result: R | None
    error: str
    created_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None
    interruptions: int
    queue: str
    tags: list[str]
    progress: Progress | None
    due_at: float | None
    errors: NotRequired[list[Failure]]
    steps: NotRequired[list[Step]]
    wait: NotRequired[Wait]
    tenant: NotRequired[str]
    cause: NotRequired[str]
    position: NotRequired[int | None]
    estimate: NotRequired[Estimate | None]


class Arguments(TypedDict):
    """The arguments of a job; ``hidden``: they are not shown."""

    args: list[Any]
    kwargs: dict[str, Any]
    hidden: bool


class Outcome(TypedDict):
    """The outcome of an order in bulk: 202 and its record, or the status of its problem."""

    status: int
    task: NotRequired[Record[Any]]
    problem: NotRequired[dict[str, Any]]


class DryRun(TypedDict):
    """The number of jobs that match a filter, and the newest ones."""

    matches: int
    complete: bool
    sample: list[Record[Any]]


class Queue(TypedDict):
    """A queue; ``oldest`` is when the first waiting job was ordered or last tried."""

    name: str
    waiting: int | None
    running: int
    paused: bool
    oldest: float | None
    workers: int


class RunningJob(TypedDict):
    """A job that a worker is at."""

    id: str
    kind: str
    started_at: float


class Worker(TypedDict):
    """A live worker: ``slots`` is how many jobs it runs at once."""

    id: str
    host: str
    pid: int
    queues: list[str]
    slots: int
    started_at: float
    lease_ends: float
    memory: int | None
    jobs: list[RunningJob]


class Kind(TypedDict):
    """A typed kind; ``order`` and ``result`` are JSON Schemas."""

    kind: str
    path: str
    summary: str
    fields: list[str]
    order: dict[str, Any]
    result: dict[str, Any]


class Callback(TypedDict):
    """The body of a callback; ``data`` is the record."""

    type: Literal["task.success", "task.failed", "task.cancelled"]
    timestamp: str
    data: Record[Any]


class EndedJob(TypedDict):
    """An ended job in the history; ``payload`` has ``args`` and ``kwargs``, None when hidden."""

    id: str
    kind: str
    queue: str
    lane: str
    tenant: str
    status: str
    tags: list[str]
    attempts: int
    max_retries: int
    interruptions: int
    created_at: float
    started_at: float | None
    finished_at: float
    logs: list[dict[str, Any]]
    error: str
    errors: list[dict[str, Any]] | None
    payload: dict[str, Any] | None
    result: Any


class HistoryFilter(TypedDict, total=False):
    """Which ended jobs: those for which everything that is given is true."""

    id: str
    status: Status
    kind: str
    queue: str
    tag: str
    created_after: float
    created_before: float
    finished_after: float
    finished_before: float
    error: str
    text: str


class JobFilter(TypedDict, total=False):
    """Which jobs: those for which everything that is given is true."""

    status: Status
    kind: str
    queue: str
    tag: str
    created_after: float
    created_before: float
    error: str
    scheduled: bool
