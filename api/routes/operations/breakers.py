"""Routes of breakers: kinds that are held back because their jobs fail."""

import msgspec

from api.http.preconditions import build_changed, describe_headers, find_revision, tag_of
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.errors import InvalidField
from project.records.breaker import Breaker
from project.store.commands import breakers as breaker_commands
from project.store.commands.breakers import BreakerStage, StoredBreaker

PATH = "/breakers"
BREAKER_PATH = PATH + "/{kind}"
MAX_KIND_CHARACTERS = 255

MATCH, NONE_MATCH, TAG = describe_headers("breaker")

routes = Router()


class KindBreaker(msgspec.Struct, frozen=True):
    """The breaker of a kind. ``declared``: the code of the kind says it, nobody has put it."""

    kind: str
    breaker: Breaker
    declared: bool


class BreakerState(KindBreaker, frozen=True):
    """A breaker and where it stands.

    ``stage``: ``closed`` lets the jobs run. ``open`` holds them back ``until`` then, in seconds
    since 1970. From then on it is ``trying`` one job at a time; the first that succeeds closes it.
    ``attempts``: how many of the last attempts count, ``failures``: how many of these failed.
    """

    stage: BreakerStage
    until: float | None
    attempts: int
    failures: int


class BreakerList(msgspec.Struct, frozen=True):
    """All breakers, by kind."""

    breakers: list[BreakerState]


@routes.get(
    PATH,
    cross_tenant=True,
    answers={200: BreakerList},
    summary="List the breakers and where they stand",
    tags=["queue"],
)
async def list_breakers(_: Request) -> Answer:
    """Answer each breaker."""
    found = await app.async_store.run(breaker_commands.list_breakers())
    return Answer(BreakerList([build_state(kind, stored) for kind, stored in found.items()]))


@routes.get(
    BREAKER_PATH,
    cross_tenant=True,
    answers={200: KindBreaker},
    errors=(404, 503),
    summary="Show the breaker of a kind",
    tags=["queue"],
)
async def show_breaker(request: Request) -> Answer:
    """Answer the breaker, with the ETag for If-Match; 404 when the kind has none."""
    kind = request.params["kind"]
    return Answer(build_named(kind, require_breaker(kind, await fetch_breaker(kind))))


@routes.put(
    BREAKER_PATH,
    body=Breaker,
    scope="admin",
    cross_tenant=True,
    answers={200: KindBreaker, 201: KindBreaker},
    errors=(409, 412, 503),
    request_headers=MATCH | NONE_MATCH,
    answer_headers={200: TAG, 201: TAG},
    summary="Give a kind a breaker",
    description="It counts the attempts that end from now on. One that holds the kind back goes on "
    "with that.",
    tags=["queue"],
)
async def put_breaker(request: Request, body: Breaker) -> Answer:
    """Set the breaker: 201 when the kind had none."""
    kind = check_kind(request.params["kind"])
    require_redis()
    before = await fetch_breaker(kind)
    command = breaker_commands.put_breaker(kind, body, revision=expect(request, kind, before))
    if await app.async_store.run(command) is None:
        raise build_changed(call(kind))
    answer = KindBreaker(kind, body, declared=False)
    return Answer(answer, 200 if before else 201, {"ETag": tag_of(answer)})


@routes.delete(
    BREAKER_PATH,
    scope="admin",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 412, 503),
    request_headers=MATCH,
    summary="Take the breaker from a kind",
    description="What it held back goes on. A breaker that the code of a kind declares is back "
    "when a worker of the kind starts.",
    tags=["queue"],
)
async def delete_breaker(request: Request) -> Answer:
    """Delete the breaker; 404 when there is none."""
    kind = request.params["kind"]
    before = require_breaker(kind, await fetch_breaker(kind))
    command = breaker_commands.delete_breaker(kind, revision=expect(request, kind, before))
    if await app.async_store.run(command) is None:
        raise build_changed(call(kind))
    return Answer(status=204)


async def fetch_breaker(kind: str) -> StoredBreaker | None:
    """The breaker of this kind, or None."""
    found = await app.async_store.run(breaker_commands.list_breakers(kind))
    return found.get(kind)


def check_kind(kind: str) -> str:
    """Return the kind. Raises ``InvalidField``; one that no worker knows yet will do."""
    if not kind or len(kind) > MAX_KIND_CHARACTERS:
        raise InvalidField("kind", f"must have 1 to {MAX_KIND_CHARACTERS} characters")
    return kind


def expect(request: Request, kind: str, before: StoredBreaker | None) -> int | None:
    """The revision that a change of the breaker is for, None for any. Raises ``Problem`` 412."""
    shown, revision = (build_named(kind, before), before.revision) if before else (None, 0)
    return find_revision(request, shown, revision, call(kind))


def call(kind: str) -> str:
    """How problems call a breaker."""
    return f"breaker of {kind!r}"


def build_named(kind: str, stored: StoredBreaker) -> KindBreaker:
    """A breaker as it is shown by itself."""
    return KindBreaker(kind, stored.breaker, stored.declared)


def build_state(kind: str, stored: StoredBreaker) -> BreakerState:
    """A breaker as the list shows it."""
    where = (stored.stage, stored.until, stored.attempts, stored.failures)
    return BreakerState(kind, stored.breaker, stored.declared, *where)


def require_breaker(kind: str, stored: StoredBreaker | None) -> StoredBreaker:
    """Return the breaker. Raises ``Problem`` 404."""
    if stored is None:
        raise Problem(404, f"The kind {kind!r} has no breaker; GET {PATH} lists all breakers")
    return stored


def require_redis() -> None:
    """Raise ``Problem`` 409 when RabbitMQ carries the messages, which hands them out itself."""
    if app.publisher:
        raise Problem(409, "Breakers need Redis as the broker: RabbitMQ hands out jobs by itself")
