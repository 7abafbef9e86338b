"""What every order says about its job beside the payload: over HTTP, and in an outbox."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from project.errors import InvalidField
from project.records.grouping import MAX_LANE_CHARACTERS, MAX_TAG_CHARACTERS, MAX_TAGS
from project.records.unique import (
    MODE_PATTERN,
    UniqueKey,
    build_unique_arguments,
    name_for_tenant,
)

MAX_TIMESTAMP_SECONDS = 253_402_214_400
"""The start of the last day of the year 9999, in seconds since 1970: the limit of ``datetime``."""

type Seconds = Annotated[float, msgspec.Meta(ge=0, le=366 * 86_400)]
type Timestamp = Annotated[float, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_SECONDS)]
type Tag = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=MAX_TAG_CHARACTERS, extra_json_schema={"format": "line"}),
]
type Lane = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=MAX_LANE_CHARACTERS, extra_json_schema={"format": "line"}
    ),
]
type Url = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri"})]
type Mode = Annotated[str, msgspec.Meta(pattern=f"^{MODE_PATTERN}$")]
type UniqueName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Unique(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only one job of its kind has this ``key``: while queued or unfinished, or so many seconds.

    On a conflict the other job is returned (200), or the order rejected (409). ``mode`` says
    which of the two is wanted: the ``first``; the ``last``, which takes the place of one that
    waits (that is cancelled) and is enqueued beside one that runs; the last as soon as no other is
    ordered for so many seconds (``debounce(30)``), and at most ten times as long after the first;
    or the first in so many seconds (``throttle(30)``). ``during`` is for the mode ``first``.
    """

    key: UniqueName
    during: Literal["unfinished", "queued"] | Seconds = "unfinished"
    on_conflict: Literal["return", "reject"] = "return"
    mode: Mode = "first"

    def to_key(self, tenant: str = "") -> UniqueKey:
        """The key, within its tenant. Raises ``InvalidField``."""
        unique = UniqueKey(name_for_tenant(self.key, tenant), self.during, self.mode)
        build_unique_arguments(unique)
        return unique


FIRST = {"properties": {"mode": {"const": "first"}}}
UNFINISHED = {"properties": {"during": {"const": "unfinished"}}}
type CheckedUnique = Annotated[
    Unique | None, msgspec.Meta(extra_json_schema={"allOf": [{"anyOf": [FIRST, UNFINISHED]}]})
]
"""Only the mode ``first`` has another ``during``."""


class OrderFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a job runs, in what order, and who is told; ``JobOrder`` of the API describes them."""

    delay: Seconds | None = None
    run_at: Timestamp | None = None
    expires: Seconds | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    lane: Lane | None = None
    unique: CheckedUnique = None
    tags: Annotated[list[Tag], msgspec.Meta(max_length=MAX_TAGS)] = []
    callback_url: Url | None = None

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Further JSON Schema of the body: at most one of ``delay`` and ``run_at``."""
        times = {"delay": {"type": "number"}, "run_at": {"type": "number"}}
        return [{"not": {"properties": times, "required": list(times)}}]

    def options(self) -> dict[str, Any]:
        """The options of ``apply_async``, without those that the order leaves out.

        Raises ``InvalidField`` when the order has both ``delay`` and ``run_at``.
        """
        options: dict[str, Any] = {}
        if self.delay is not None:
            options["countdown"] = self.delay
        if self.run_at is not None:
            if self.delay is not None:
                raise InvalidField("run_at", "cannot be given together with delay")
            options["eta"] = datetime.fromtimestamp(self.run_at, UTC)
        if self.expires is not None:
            options["expires"] = self.expires
        if self.priority:
            options["priority"] = self.priority
        if self.lane is not None:
            options["lane"] = self.lane
        if self.callback_url is not None:
            options["callback_url"] = self.callback_url
        if self.tags:
            options["tags"] = self.tags
        return options

    def unique_key(self, tenant: str = "") -> UniqueKey | None:
        """The unique key of the order, within its tenant; None when the order has none."""
        if self.unique is None:
            return None
        return self.unique.to_key(tenant)
