"""Commands of limits: how many jobs run at once, or begin in a time."""

from typing import Any, NamedTuple

import msgspec

from project.records.limit import Limit
from project.store.commands.command import Command, encode_json

MAX_LANES_LOOKED_AT = 1_000
"""Lanes of each limit whose messages ``list_limits`` counts."""

MAX_LISTED = 10_000
"""Limits that are listed at most."""


class StoredLimit(NamedTuple):
    """A limit, its revision, and what it does now.

    ``declared``: the code of its kind says it. ``running``: jobs that it counts. ``lanes_held``
    wait for it, with ``jobs_held`` messages in them, counted in ``MAX_LANES_LOOKED_AT`` lanes.
    """

    limit: Limit
    revision: int
    declared: bool
    running: int
    lanes_held: int
    jobs_held: int


class LimitArguments(msgspec.Struct, omit_defaults=True):
    """A limit as the scripts take it; ``interval`` in seconds."""

    name: str
    kind: str | None = None
    queue: str | None = None
    lane: str | None = None
    tag: str | None = None
    each: str | None = None
    concurrency: int | None = None
    rate: str | None = None
    interval: float | None = None
    burst: int | None = None
    weight: float | None = None
    declared: bool = False
    revision: int = 0


def put_limit(
    name: str, limit: Limit, *, revision: int | None = None, declared: bool = False
) -> Command[int | None]:
    """Set a limit, if it has the ``revision``, 0 for none: its revision, None when it has not."""
    about = msgspec.structs.asdict(limit)
    arguments = LimitArguments(name, **about, interval=limit.interval, declared=declared)
    weight = "" if limit.weight is None else limit.weight
    expected = "" if revision is None else revision
    return Command(
        "limits/put",
        (name, encode_json(arguments), limit.common, weight, expected),
        lambda answer: int(answer) if answer else None,
    )


def delete_limit(name: str, *, revision: int | None = None) -> Command[int | None]:
    """Delete a limit, if it has the ``revision``: that, 0 for no limit, None when it has not."""
    expected = "" if revision is None else revision
    return Command(
        "limits/put",
        (name, "", "", "", expected),
        lambda answer: int(answer) if answer else None,
    )


def list_limits(name: str = "") -> Command[dict[str, StoredLimit]]:
    """The limits, or that with the name, by name."""

    def parse(answer: list[Any]) -> dict[str, StoredLimit]:
        limits = {}
        for text, *counts in answer:
            stored = msgspec.json.decode(text, type=LimitArguments)
            about = msgspec.structs.asdict(stored)
            limit = Limit(**{field: about[field] for field in Limit.__struct_fields__})
            limits[stored.name] = StoredLimit(limit, stored.revision, stored.declared, *counts)
        return dict(sorted(limits.items()))

    return Command("limits/list", (MAX_LANES_LOOKED_AT, name, "limit", MAX_LISTED), parse)
