"""A schedule as Redis keeps it: its plan, which somebody wrote, and where it stands. Pure.

All times are seconds since 1970; those of a plan are whole.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from project.records.record import TaskStatus

MAX_SECONDS = 7_258_118_400
"""The start of the year 2200, in seconds since 1970."""

MAX_INTERVAL_SECONDS = 366 * 86_400
MAX_CAUGHT_UP = 1_000
MAX_LISTED_TIMES = 1_000
MAX_NAME_CHARACTERS = 100

type Moment = Annotated[int, msgspec.Meta(ge=0, le=MAX_SECONDS)]
type Duration = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTERVAL_SECONDS)]


class Overlap(StrEnum):
    """What happens when the last job of a schedule has not ended at the next due time."""

    ALLOW = "allow"
    SKIP = "skip"
    ONE_WAITING = "one_waiting"
    CANCEL_RUNNING = "cancel_running"


class CatchUp(StrEnum):
    """Which due times are made up for that nobody could fire in time."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Timing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """When a schedule is due, and what happens when that does not go well.

    One of ``cron`` (5 fields, or 6 with seconds first), ``every`` (seconds, counted from ``start``
    or else from 1970) and ``at`` (times). ``zone`` is the time zone of ``cron``. No job is due
    before ``start`` and after ``end``. ``jitter``: each job comes up to so many seconds later.
    ``overlap``: what happens while the last job has not ended. ``catch_up``: of the times that were
    missed, ``none``, the ``last``, or ``all`` within ``catch_up_window`` seconds, at most
    ``catch_up_limit``. After ``pause_after`` failed jobs in a row the schedule pauses; 0: never.
    """

    cron: str = ""
    every: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTERVAL_SECONDS)] = 0
    at: Annotated[tuple[Moment, ...], msgspec.Meta(max_length=MAX_LISTED_TIMES)] = ()
    zone: str = "UTC"
    start: Moment | None = None
    end: Moment | None = None
    jitter: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    overlap: Overlap = Overlap.ALLOW
    catch_up: CatchUp = CatchUp.LAST
    catch_up_limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_CAUGHT_UP)] = 100
    catch_up_window: Duration = 86_400
    pause_after: Annotated[int, msgspec.Meta(ge=0, le=50)] = 0


class Plan(Timing, frozen=True, omit_defaults=True, kw_only=True):
    """A schedule as it is written: the call of a kind, and its timing.

    ``options`` are those of ``apply_async``. ``order`` is the order over HTTP that the call was
    made from, when that says more than the call. ``source`` says who wrote it: ``api`` over HTTP,
    ``python`` with ``app.schedules.put``, ``code`` where the kind is declared.
    """

    kind: str
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    options: dict[str, Any] = {}
    order: dict[str, Any] | None = None
    source: Literal["api", "python", "code"] = "api"


class Schedule(NamedTuple):
    """A schedule and where it stands.

    ``name`` is that of its key: ``tenant/name`` when it belongs to a tenant. ``due`` is the next
    due time, None when none follows. ``paused`` says why it is paused, "" that it is not.
    ``waiting`` is a due time whose job waits for the end of the last one. ``last`` is the newest
    entry of the history. ``at`` is the time in Redis when this was read.
    """

    name: str
    revision: str
    plan: Plan
    due: int | None
    paused: str
    waiting: int | None
    last: "Firing | None"
    at: float

    @property
    def tenant(self) -> str:
        """The owner; "" when there is none."""
        return tenant_of(self.name)

    @property
    def own_name(self) -> str:
        """The name without that of the tenant."""
        return own_name_of(self.name)


class Firing(msgspec.Struct, frozen=True):
    """An entry of the history of a schedule: what was done about a due time, and when.

    ``what`` is ``fired``, ``run`` (by hand), ``backfilled``, or why there is no job: ``overlap``,
    ``missed``, ``duplicate``, ``invalid``, ``failures``, ``paused``. ``count``: how
    many due times it is about. ``status`` is that of the job now, None when there is none.
    """

    due: int
    at: float
    what: str
    count: int = 1
    job: str = ""
    status: TaskStatus | None = None


def full_name(name: str, tenant: str = "") -> str:
    """The name of a schedule among those of all tenants."""
    return f"{tenant}/{name}" if tenant else name


def own_name_of(name: str) -> str:
    """The name of a schedule without that of its tenant."""
    return name.rpartition("/")[2]


def tenant_of(name: str) -> str:
    """The owner of a schedule; "" when there is none."""
    return name.rpartition("/")[0]
