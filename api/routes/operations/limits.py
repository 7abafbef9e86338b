"""Routes of limits: how many jobs run at once, or start in a time."""

import msgspec

from api.http.preconditions import build_changed, describe_headers, find_revision, tag_of
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.limit import Limit, check_limit
from project.store.commands import limits as limit_commands
from project.store.commands.limits import StoredLimit

PATH = "/limits"
LIMIT_PATH = PATH + "/{name}"

MATCH, NONE_MATCH, TAG = describe_headers("limit")

routes = Router()


class NamedLimit(msgspec.Struct, frozen=True):
    """A limit with its name. ``declared``: the code of its kind says it, nobody has put it."""

    name: str
    limit: Limit
    declared: bool


class LimitState(NamedLimit, frozen=True):
    """A limit and what it does now.

    ``running``: jobs that it counts. ``lanes_held`` wait for it, with ``jobs_held`` in them.
    """

    running: int
    lanes_held: int
    jobs_held: int


class LimitList(msgspec.Struct, frozen=True):
    """All limits, by name."""

    limits: list[LimitState]


@routes.get(
    PATH,
    cross_tenant=True,
    answers={200: LimitList},
    summary="List the limits and what they hold back",
    tags=["queue"],
)
async def list_limits(_: Request) -> Answer:
    """Answer each limit."""
    found = await app.async_store.run(limit_commands.list_limits())
    return Answer(LimitList([build_state(name, stored) for name, stored in found.items()]))


@routes.get(
    LIMIT_PATH,
    cross_tenant=True,
    answers={200: NamedLimit},
    errors=(404, 503),
    summary="Show a limit",
    tags=["queue"],
)
async def show_limit(request: Request) -> Answer:
    """Answer the limit, with the ETag for If-Match; 404 when there is none."""
    name = request.params["name"]
    return Answer(build_named(name, require_limit(name, await fetch_limit(name))))


@routes.put(
    LIMIT_PATH,
    body=Limit,
    scope="admin",
    cross_tenant=True,
    answers={200: NamedLimit, 201: NamedLimit},
    errors=(409, 412, 503),
    request_headers=MATCH | NONE_MATCH,
    answer_headers={200: TAG, 201: TAG},
    summary="Set a limit",
    description="It holds at once, for jobs that wait already, too; jobs that run count. Jobs that "
    "it holds back wait in their lanes, in their order.",
    tags=["queue"],
)
async def put_limit(request: Request, body: Limit) -> Answer:
    """Set the limit: 201 when it is new."""
    name = request.params["name"]
    limit = check_limit(name, body)
    require_redis()
    before = await fetch_limit(name)
    command = limit_commands.put_limit(name, limit, revision=expect(request, name, before))
    if await app.async_store.run(command) is None:
        raise build_changed(call(name))
    answer = NamedLimit(name, limit, declared=False)
    return Answer(answer, 200 if before else 201, {"ETag": tag_of(answer)})


@routes.delete(
    LIMIT_PATH,
    scope="admin",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 412, 503),
    request_headers=MATCH,
    summary="Delete a limit",
    description="What it held back goes on, in its order. A limit that the code of a kind declares "
    "is back when a worker of the kind starts.",
    tags=["queue"],
)
async def delete_limit(request: Request) -> Answer:
    """Delete the limit; 404 when there is none."""
    name = request.params["name"]
    before = require_limit(name, await fetch_limit(name))
    command = limit_commands.delete_limit(name, revision=expect(request, name, before))
    if await app.async_store.run(command) is None:
        raise build_changed(call(name))
    return Answer(status=204)


async def fetch_limit(name: str) -> StoredLimit | None:
    """The limit of this name, or None."""
    found = await app.async_store.run(limit_commands.list_limits(name))
    return found.get(name)


def expect(request: Request, name: str, before: StoredLimit | None) -> int | None:
    """The revision that a change of the limit is for, None for any. Raises ``Problem`` 412."""
    shown, revision = (build_named(name, before), before.revision) if before else (None, 0)
    return find_revision(request, shown, revision, call(name))


def call(name: str) -> str:
    """How problems call a limit."""
    return f"limit {name!r}"


def build_named(name: str, stored: StoredLimit) -> NamedLimit:
    """A limit as it is shown by itself."""
    return NamedLimit(name, stored.limit, stored.declared)


def build_state(name: str, stored: StoredLimit) -> LimitState:
    """A limit as the list shows it."""
    held = (stored.running, stored.lanes_held, stored.jobs_held)
    return LimitState(name, stored.limit, stored.declared, *held)


def require_limit(name: str, stored: StoredLimit | None) -> StoredLimit:
    """Return the limit. Raises ``Problem`` 404."""
    if stored is None:
        raise Problem(404, f"There is no limit {name!r}; GET {PATH} lists all limits")
    return stored


def require_redis() -> None:
    """Raise ``Problem`` 409 when RabbitMQ carries the messages, which hands them out itself."""
    if app.publisher:
        raise Problem(409, "Limits need Redis as the broker: RabbitMQ hands out jobs by itself")
