"""Routes of switches: jobs that do not start, and what becomes of them."""

import msgspec

from api.http.preconditions import build_changed, describe_headers, find_revision, tag_of
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.switch import Switch, check_switch
from project.store.commands import switches as switch_commands
from project.store.commands.switches import StoredSwitch

PATH = "/switches"
SWITCH_PATH = PATH + "/{name}"

MATCH, NONE_MATCH, TAG = describe_headers("switch")

routes = Router()


class NamedSwitch(msgspec.Struct, frozen=True):
    """A switch with its name: ``host:NAME`` and ``breaker:KIND`` set themselves."""

    name: str
    switch: Switch


class SwitchState(NamedSwitch, frozen=True):
    """A switch and what it does now.

    ``running``: jobs that match and run on. ``lanes_held`` wait for it, with ``jobs_held`` in them:
    a job counts from when its turn comes. ``tries``: it is a breaker, which lets one job run at a
    time after ``until``; the first that succeeds ends it.
    """

    running: int
    lanes_held: int
    jobs_held: int
    tries: bool


class SwitchList(msgspec.Struct, frozen=True):
    """The switches by name, at most 1,000."""

    switches: list[SwitchState]


@routes.get(
    PATH,
    cross_tenant=True,
    answers={200: SwitchList},
    summary="List the switches and what they hold back",
    tags=["queue"],
)
async def list_switches(_: Request) -> Answer:
    """Answer each switch."""
    found = await app.async_store.run(switch_commands.list_switches())
    return Answer(SwitchList([build_state(stored) for stored in found.values()]))


@routes.get(
    SWITCH_PATH,
    cross_tenant=True,
    answers={200: NamedSwitch},
    errors=(404, 503),
    summary="Show a switch",
    tags=["queue"],
)
async def show_switch(request: Request) -> Answer:
    """Answer the switch, with the ETag for If-Match; 404 when there is none."""
    name = request.params["name"]
    return Answer(build_named(require_switch(name, await fetch_switch(name))))


@routes.put(
    SWITCH_PATH,
    body=Switch,
    scope="admin",
    cross_tenant=True,
    answers={200: NamedSwitch, 201: NamedSwitch},
    errors=(409, 412, 503),
    request_headers=MATCH | NONE_MATCH,
    answer_headers={200: TAG, 201: TAG},
    summary="Set a switch",
    description="No job that matches starts from now on. Held jobs wait aside and keep their "
    "order; jobs to cancel or fail end a few hundred a second, and later ones when their turn "
    "comes. Jobs that run already go on.",
    tags=["queue"],
)
async def put_switch(request: Request, body: Switch) -> Answer:
    """Set the switch: 201 when it is new."""
    name = request.params["name"]
    switch = check_switch(name, body)
    require_redis()
    before = await fetch_switch(name)
    command = switch_commands.put_switch(name, switch, revision=expect(request, before))
    if await app.async_store.run(command) is None:
        raise build_changed(call(name))
    answer = NamedSwitch(name, switch)
    return Answer(answer, 200 if before else 201, {"ETag": tag_of(answer)})


@routes.delete(
    SWITCH_PATH,
    scope="admin",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 412, 503),
    request_headers=MATCH,
    summary="Delete a switch",
    description="What it held back goes on, in its order. The names ``host:NAME`` and "
    "``breaker:KIND`` let a host be called and a kind run again before their time.",
    tags=["queue"],
)
async def delete_switch(request: Request) -> Answer:
    """Delete the switch; 404 when there is none."""
    name = request.params["name"]
    revision = expect(request, require_switch(name, await fetch_switch(name)))
    if await app.async_store.run(switch_commands.delete_switch(name, revision=revision)) is None:
        raise build_changed(call(name))
    return Answer(status=204)


async def fetch_switch(name: str) -> StoredSwitch | None:
    """The switch of this name, or None."""
    found = await app.async_store.run(switch_commands.list_switches(name))
    return found.get(name)


def expect(request: Request, before: StoredSwitch | None) -> int | None:
    """The revision that a change of the switch is for, None for any. Raises ``Problem`` 412."""
    shown, revision = (build_named(before), before.revision) if before else (None, 0)
    return find_revision(request, shown, revision, call(request.params["name"]))


def call(name: str) -> str:
    """How problems call a switch."""
    return f"switch {name!r}"


def build_named(stored: StoredSwitch) -> NamedSwitch:
    """A switch as it is shown by itself."""
    return NamedSwitch(stored.name, stored.switch)


def build_state(stored: StoredSwitch) -> SwitchState:
    """A switch as the list shows it."""
    held = (stored.running, stored.lanes_held, stored.jobs_held, stored.tries)
    return SwitchState(stored.name, stored.switch, *held)


def require_switch(name: str, stored: StoredSwitch | None) -> StoredSwitch:
    """Return the switch. Raises ``Problem`` 404."""
    if stored is None:
        raise Problem(404, f"There is no switch {name!r}; GET {PATH} lists all switches")
    return stored


def require_redis() -> None:
    """Raise ``Problem`` 409 when RabbitMQ carries the messages, which hands them out itself."""
    if app.publisher:
        raise Problem(409, "Switches need Redis as the broker: RabbitMQ hands out jobs by itself")
