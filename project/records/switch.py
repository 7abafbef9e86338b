"""A switch: which jobs do not start, and what becomes of them. Pure."""

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from project.errors import InvalidField
from project.records.limit import Text, check_limit_name

PREFIX = "switch:"
"""Before the names of switches that somebody has set, where limits have their names."""

MAX_PATH_CHARACTERS = 255
_PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")

type Timestamp = Annotated[float, msgspec.Meta(ge=0, le=253_402_214_400)]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named argument of the job, or a member of one (``order.customer``), and its value.

    It ``equals`` a text, a number or a boolean, or is a text that begins with ``prefix``.
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PATH_CHARACTERS)]
    equals: str | int | float | bool | None = None
    prefix: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)] | None = None


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs do not start, and what becomes of those that wait.

    It is for the jobs that have its ``kind``, ``queue``, ``lane``, ``tag`` and ``field``; give at
    least one. ``hold``: they wait aside, and go on in their order when the switch is over.
    ``cancel`` and ``fail`` end them. Jobs that run already go on. ``until``: when it is over by
    itself, in seconds since 1970.
    """

    example: ClassVar[dict[str, Any]] = {
        "kind": "report",
        "field": {"path": "type", "equals": "summary"},
        "action": "hold",
    }

    kind: Text | None = None
    queue: Text | None = None
    lane: Text | None = None
    tag: Text | None = None
    field: Field | None = None
    action: Literal["hold", "cancel", "fail"] = "hold"
    until: Timestamp | None = None

    @property
    def common(self) -> str:
        """What all its jobs have in common, under which the scripts find it."""
        for name in ("lane", "tag", "kind", "queue"):
            if value := getattr(self, name):
                return f"{name}:{value}"
        return "all"


def check_switch(name: str, switch: Switch) -> Switch:
    """Return the switch. Raises ``InvalidField`` when it says less than it must."""
    check_limit_name(name)
    field = switch.field
    if not (switch.kind or switch.queue or switch.lane or switch.tag or field):
        raise InvalidField("kind", "give at least one of kind, queue, lane, tag and field")
    if field and not _PATH.fullmatch(field.path):
        raise InvalidField("field.path", f"{field.path!r} is not names with dots between them")
    if field and (field.equals is None) == (field.prefix is None):
        raise InvalidField("field.equals", "give one of equals and prefix")
    return switch
