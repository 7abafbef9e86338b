"""Routes of the causes of failures: failed jobs, grouped by why they failed."""

import time
from collections import Counter
from typing import Annotated, Any, ClassVar

import msgspec

from api.http.preconditions import build_changed, find_version
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.kinds import ORDER_ROUTE
from api.jobs.orders import order_job
from api.routes.tasks.control import CANCEL, RETRY, CancelAll, JobFilter, RetryAll
from project.celery import app
from project.errors import InvalidField
from project.messages.order_fields import Timestamp
from project.records.cause import CauseState
from project.records.record import TaskStatus
from project.store.commands import causes
from project.store.commands.causes import HOUR_SECONDS, StoredCause

PATH = "/errors"
CAUSE_PATH = PATH + "/{fingerprint}"
MAX_CAUSES = 1_000
HOURS_OF_A_DAY = 24

routes = Router()


class CauseQuery(msgspec.Struct, frozen=True):
    """Which causes are wanted: those of a state or a kind; the default is all."""

    state: CauseState | None = None
    kind: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_CAUSES)] = 100


class FailureCause(msgspec.Struct, frozen=True):
    """Why jobs failed for good. Times are in seconds since 1970.

    ``headline``: class and message of the error, without numbers, ids and quoted texts.
    ``frames``: the lines of the user's own code that it went through, outermost first. ``count``:
    jobs that failed, since ``first``; ``last`` is the newest. ``kinds``: how many in the last seven
    days, by kind. ``last_day``: how many in each of the last 24 hours of the clock, this one last.
    ``job``: the id of one of them. ``state``: ``open``, ``resolved``, or ``ignored``
    until ``ignored_until`` (null: for good). ``regressions``: how often it came back after it was
    resolved.
    """

    fingerprint: str
    headline: str
    frames: list[str]
    count: int
    first: float
    last: float
    kinds: dict[str, int]
    last_day: list[int]
    job: str
    state: CauseState
    ignored_until: float | None
    regressions: int


class Hour(msgspec.Struct, frozen=True):
    """How many jobs failed in the hour that began ``at``."""

    at: int
    count: int


class ShownFailureCause(FailureCause, frozen=True):
    """A cause by itself. ``hours``: those of the last seven days with failures, oldest first."""

    hours: list[Hour]


class CauseList(msgspec.Struct, frozen=True):
    """Causes, those of the newest failures first; the 1,000 newest are kept."""

    errors: list[FailureCause]


class StateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of a cause. ``ignored_until`` is for ``ignored``; null: for good."""

    example: ClassVar[dict[str, Any]] = {"state": "resolved"}

    state: CauseState
    ignored_until: Timestamp | None = None

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Further JSON Schema: only the state ``ignored`` has an end."""
        ignored = {"properties": {"state": {"const": "ignored"}}}
        return [{"anyOf": [ignored, {"properties": {"ignored_until": {"type": "null"}}}]}]


TAG = {"ETag": "Identifies what was said of the cause, for If-Match."}


@routes.get(
    PATH,
    query=CauseQuery,
    cross_tenant=True,
    answers={200: CauseList},
    summary="List the causes of failed jobs",
    description="A job that fails for good is filed under the fingerprint of its error.",
    tags=["errors"],
)
async def list_errors(_: Request, query: CauseQuery) -> Answer:
    """Answer causes, those of the newest failures first."""
    found = await app.async_store.run(causes.list_causes(MAX_CAUSES))
    shown = [build_cause(each) for each in found if query.state in (None, each.state)]
    wanted = [each for each in shown if not query.kind or query.kind in each.kinds]
    return Answer(CauseList(wanted[: query.limit]))


@routes.get(
    CAUSE_PATH,
    cross_tenant=True,
    answers={200: ShownFailureCause},
    errors=(404, 503),
    summary="Show a cause of failed jobs",
    tags=["errors"],
)
async def show_error(request: Request) -> Answer:
    """Answer the cause, with the ETag for If-Match."""
    return answer_cause(await fetch_cause(request))


@routes.patch(
    CAUSE_PATH,
    body=StateChange,
    scope="control",
    cross_tenant=True,
    answers={200: ShownFailureCause},
    errors=(404, 412, 503),
    request_headers={"If-Match": "The ETag of the cause; 412 if somebody has changed its state."},
    answer_headers={200: TAG},
    summary="Resolve, ignore or open a cause",
    description="A job that fails because of a resolved cause opens it again, as a regression.",
    tags=["errors"],
)
async def change_error(request: Request, body: StateChange) -> Answer:
    """Set the state; 412 if it has changed since."""
    if body.ignored_until is not None and body.state is not CauseState.IGNORED:
        raise InvalidField("ignored_until", "is for the state ignored; leave it out")
    before = await fetch_cause(request)
    command = causes.set_state(
        before.fingerprint,
        body.state,
        until=body.ignored_until,
        revision=find_version(request, before.revision, call(before)),
    )
    done = await app.async_store.run(command)
    if done is False:
        raise build_changed(call(before))
    return answer_cause(await fetch_cause(request))


@routes.post(
    CAUSE_PATH + "/retry",
    scope="control",
    cross_tenant=True,
    **ORDER_ROUTE | {"errors": (404, 409, 503)},
    summary="Rerun all jobs that failed because of a cause",
    description="A job of the kind retry_jobs does the work, as with POST /tasks/retry.",
    tags=["errors"],
)
async def retry_error(request: Request) -> Answer:
    """Enqueue the job that reruns them."""
    cause = await fetch_cause(request)
    chosen = JobFilter(cause=cause.fingerprint, status=TaskStatus.FAILED)
    return await order_job(RETRY, request, RetryAll(filter=chosen))


@routes.post(
    CAUSE_PATH + "/cancel",
    scope="control",
    cross_tenant=True,
    **ORDER_ROUTE | {"errors": (404, 409, 503)},
    summary="Stop all reruns of jobs that failed because of a cause",
    description="A job of the kind cancel_jobs does the work, as with POST /tasks/cancel.",
    tags=["errors"],
)
async def cancel_error(request: Request) -> Answer:
    """Enqueue the job that cancels them."""
    cause = await fetch_cause(request)
    return await order_job(CANCEL, request, CancelAll(filter=JobFilter(cause=cause.fingerprint)))


async def fetch_cause(request: Request) -> StoredCause:
    """The cause that the path names. Raises ``Problem`` 404."""
    fingerprint = request.params["fingerprint"]
    cause: StoredCause | None = await app.async_store.run(causes.read_cause(fingerprint))
    if cause is None:
        raise Problem(404, f"There is no cause {fingerprint!r}; GET {PATH} lists all causes")
    return cause


def call(cause: StoredCause) -> str:
    """How problems call a cause."""
    return f"cause {cause.fingerprint!r}"


def answer_cause(stored: StoredCause) -> Answer:
    """Answer a cause by itself."""
    cause = build_cause(stored)
    shown = [Hour(at, count) for at, count in sorted(count_by_hour(stored).items())]
    return Answer(
        ShownFailureCause(**msgspec.structs.asdict(cause), hours=shown), version=stored.revision
    )


def count_by_hour(stored: StoredCause) -> Counter[int]:
    """How many jobs failed in each hour, by the begin of the hour."""
    hours: Counter[int] = Counter()
    for (at, _), count in stored.hours.items():
        hours[at] += count
    return hours


def build_cause(stored: StoredCause) -> FailureCause:
    """A cause as the list shows it."""
    hours, now = count_by_hour(stored), int(time.time()) // HOUR_SECONDS
    last_day = [hours[(now - ago) * HOUR_SECONDS] for ago in reversed(range(HOURS_OF_A_DAY))]
    kinds: Counter[str] = Counter()
    for (_, kind), count in stored.hours.items():
        kinds[kind] += count
    return FailureCause(
        stored.fingerprint,
        stored.headline,
        stored.frames,
        stored.failures,
        stored.first,
        stored.last,
        dict(kinds.most_common()),
        last_day,
        stored.job,
        stored.state,
        stored.until,
        stored.regressions,
    )
