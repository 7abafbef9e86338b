"""A limit: which jobs it limits, and what it allows. Pure."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from project.errors import InvalidField

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RATE = re.compile(r"([1-9][0-9]{0,5})/(s|min|h)")
MAX_RATE = 999_999
"""The most starts in a second, a minute or an hour; who allows more needs no limit."""

_SECONDS = {"s": 1, "min": 60, "h": 3_600}


type Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs a limit limits, and what it allows them.

    It limits the jobs that have its ``kind``, ``queue``, ``lane`` and ``tag``; what is left out
    matches all. ``each: lane``: each lane by itself, else all these jobs together.
    ``concurrency``: how many may run at once, 0 holds all back. ``rate``: how many may start, such
    as ``10/s``, ``100/min`` or ``1000/h``, evenly; ``burst`` of them may start at once when fewer
    did before.
    ``weight``: how many turns the ``lane`` has for one of the other lanes of its queue.
    """

    example: ClassVar[dict[str, Any]] = {"kind": "report", "each": "lane", "concurrency": 2}

    kind: Text | None = None
    queue: Text | None = None
    lane: Text | None = None
    tag: Text | None = None
    each: Literal["lane"] | None = None
    concurrency: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    rate: Annotated[str, msgspec.Meta(pattern=f"^{_RATE.pattern}$")] | None = None
    burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    weight: Annotated[float, msgspec.Meta(ge=0.001, le=1_000)] | None = None

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Further JSON Schema: it allows something, and a burst and a weight say of what."""

        def given(name: str) -> dict[str, Any]:
            return {"properties": {name: {"not": {"type": "null"}}}, "required": [name]}

        return [
            {"anyOf": [given("concurrency"), given("rate"), given("weight")]},
            {"anyOf": [{"not": given("burst")}, given("rate")]},
            {"anyOf": [{"not": given("weight")}, given("lane")]},
        ]

    @property
    def interval(self) -> float | None:
        """Seconds between two starts at its rate, None when it has none."""
        found = _RATE.fullmatch(self.rate or "")
        return _SECONDS[found[2]] / int(found[1]) if found else None

    @property
    def common(self) -> str:
        """What all its jobs have in common, under which the scripts find it."""
        for name in ("lane", "tag", "kind", "queue"):
            if value := getattr(self, name):
                return f"{name}:{value}"
        return "all"


def declare_limits(kind: str, limits: Sequence[Limit]) -> dict[str, Limit]:
    """The limits that the code of a kind declares, by name. Raises ``InvalidField``."""
    base = re.sub(r"[^A-Za-z0-9._-]", "-", kind)[:60].lstrip("._-") or "kind"
    names = [base if place == 1 else f"{base}-{place}" for place in range(1, len(limits) + 1)]
    own = [msgspec.structs.replace(each, kind=each.kind or kind) for each in limits]
    return {name: check_limit(name, each) for name, each in zip(names, own, strict=True)}


def declare_rate(kind: str, per_second: float) -> dict[str, Limit]:
    """The limit that Celery's ``rate_limit`` of a kind stands for, by name; none when it has none.

    A rate that is no whole number in a second, a minute or an hour is rounded to one in an hour.
    """
    if not 0 < per_second <= MAX_RATE:
        return {}
    rates = {unit: per_second * seconds for unit, seconds in _SECONDS.items()}
    unit = next((name for name, rate in rates.items() if is_whole(rate)), "h")
    rate = f"{max(round(rates[unit]), 1)}/{unit}"
    (base,) = declare_limits(kind, [Limit(kind=kind, rate=rate)])
    name = f"{base[:59]}-rate"
    return {name: check_limit(name, Limit(kind=kind, rate=rate))}


def is_whole(rate: float) -> bool:
    """Whether a rate is a whole number that a limit can say, but for the last digits."""
    return 1 <= round(rate) <= MAX_RATE and abs(rate - round(rate)) < round(rate) * 1e-9


def check_limit(name: str, limit: Limit) -> Limit:
    """Return a limit with its burst. Raises ``InvalidField`` when it limits nothing, or says less.

    The name stands in URLs and in the names of keys.
    """
    check_limit_name(name)
    if limit.concurrency is None and limit.rate is None and limit.weight is None:
        raise InvalidField("concurrency", "give at least one of concurrency, rate and weight")
    if limit.rate is not None and limit.interval is None:
        raise InvalidField("rate", f"{limit.rate!r} is not a number per s, min or h, as in 10/s")
    if limit.burst is not None and limit.rate is None:
        raise InvalidField("burst", "belongs to a rate: give that, too")
    if limit.weight is not None and limit.lane is None:
        raise InvalidField("weight", "belongs to a lane: give that, too")
    burst = limit.burst or 1 if limit.rate else None
    return msgspec.structs.replace(limit, burst=burst)


def check_limit_name(name: str) -> None:
    """Raise ``InvalidField`` when a limit or a switch cannot have this name."""
    if not _NAME.fullmatch(name):
        raise InvalidField(
            "name",
            f"{name!r} is not allowed: use 1 to 64 of A-Z a-z 0-9 . _ - and begin with"
            " a letter or a digit",
        )
