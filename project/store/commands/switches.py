"""Commands of switches: jobs that do not start, because somebody, a host or a breaker says so."""

from typing import Any, NamedTuple

import msgspec

from project.records.switch import PREFIX, Field, Switch
from project.store.commands.command import Command, encode_json
from project.store.commands.limits import MAX_LANES_LOOKED_AT

MAX_LISTED = 1_000
"""Switches that are listed at most."""


class StoredSwitch(NamedTuple):
    """A switch, its revision, and what it does now.

    ``name``: that of a switch, or ``host:NAME`` or ``breaker:KIND``. ``running``: jobs that match
    and run on. ``lanes_held`` wait for it, with ``jobs_held`` messages in them. ``tries``: a
    breaker, which lets one job run at a time after ``until``.
    """

    name: str
    switch: Switch
    revision: int
    running: int
    lanes_held: int
    jobs_held: int
    tries: bool


class SwitchArguments(msgspec.Struct, omit_defaults=True):
    """A switch as the scripts take it; see ``lib/switch.lua``."""

    name: str
    action: str
    kind: str | None = None
    queue: str | None = None
    lane: str | None = None
    tag: str | None = None
    field: str | None = None
    equals: str | int | float | bool | None = None
    prefix: str | None = None
    until_at: float | None = None
    tries: bool = False
    revision: int = 0


def put_switch(name: str, switch: Switch, *, revision: int | None = None) -> Command[int | None]:
    """Set a switch, if it has the ``revision``, 0 for none: its revision, None when it has not."""
    field = switch.field
    about = {} if field is None else {"equals": field.equals, "prefix": field.prefix}
    arguments = SwitchArguments(
        build_stored_name(name),
        switch.action,
        kind=switch.kind,
        queue=switch.queue,
        lane=switch.lane,
        tag=switch.tag,
        field=field.path if field else None,
        until_at=switch.until,
        **about,  # type: ignore[arg-type]
    )
    return _put(arguments.name, encode_json(arguments), switch.common, revision)


def delete_switch(name: str, *, revision: int | None = None) -> Command[int | None]:
    """Delete a switch, if it has the ``revision``: that, 0 for no switch, None when it has not."""
    return _put(build_stored_name(name), "", "", revision)


def list_switches(name: str = "") -> Command[dict[str, StoredSwitch]]:
    """The switches, or that with the name, by name; at most ``MAX_LISTED``."""

    def parse(answer: list[Any]) -> dict[str, StoredSwitch]:
        found = [read_switch(*each) for each in answer]
        return {each.name: each for each in sorted(found)}

    wanted = build_stored_name(name) if name else ""
    return Command("limits/list", (MAX_LANES_LOOKED_AT, wanted, "switch", MAX_LISTED), parse)


def end_jobs(most: int) -> Command[bool]:
    """Remove switches that are over; end jobs for others, of ``most`` jobs. True: there is more."""
    return Command("switches/end_jobs", (most,), bool)


def build_stored_name(name: str) -> str:
    """The name among those of limits: only the switches of users have a prefix of their own."""
    return name if ":" in name else PREFIX + name


def read_switch(text: bytes, running: int, lanes_held: int, jobs_held: int) -> StoredSwitch:
    """A switch from its JSON and its counts."""
    stored = msgspec.json.decode(text, type=SwitchArguments)
    field = stored.field and Field(path=stored.field, equals=stored.equals, prefix=stored.prefix)
    switch = Switch(
        kind=stored.kind,
        queue=stored.queue,
        lane=stored.lane,
        tag=stored.tag,
        field=field or None,
        action=stored.action,  # type: ignore[arg-type]
        until=stored.until_at,
    )
    name = stored.name.removeprefix(PREFIX)
    return StoredSwitch(name, switch, stored.revision, running, lanes_held, jobs_held, stored.tries)


def _put(name: str, text: str, common: str, revision: int | None) -> Command[int | None]:
    expected = "" if revision is None else revision
    return Command(
        "limits/put",
        (name, text, common, "", expected),
        lambda answer: int(answer) if answer else None,
    )
