"""Commands of breakers: kinds that are held back because their jobs fail."""

from typing import Any, Literal, NamedTuple

import msgspec

from project.records.breaker import Breaker
from project.store.commands.command import Command, encode_json

MAX_LISTED = 10_000
"""Breakers that are listed at most."""

type BreakerStage = Literal["closed", "open", "trying"]


class StoredBreaker(NamedTuple):
    """A breaker, its revision, and where it stands.

    ``declared``: the code of its kind says it. ``stage``: ``open`` holds the kind until ``until``
    (seconds since 1970, None when it is closed); from then on it is ``trying`` one job at a time.
    ``attempts`` of its last ones count, and ``failures`` of these failed.
    """

    breaker: Breaker
    revision: int
    declared: bool
    stage: BreakerStage
    until: float | None
    attempts: int
    failures: int


class BreakerArguments(msgspec.Struct, frozen=True):
    """A breaker as the scripts take it; see ``lib/breaker.lua``."""

    share: float
    of: int
    within: float
    hold: float
    declared: bool = True
    revision: int | msgspec.UnsetType = msgspec.UNSET


def put_breaker(
    kind: str, breaker: Breaker, *, revision: int | None = None, declared: bool = False
) -> Command[int | None]:
    """Set the breaker of a kind, if it has the ``revision``, 0 for none.

    The answer is its new revision, None when it has another.
    """
    about = BreakerArguments(**msgspec.structs.asdict(breaker), declared=declared)
    return _put(kind, encode_json(about), revision)


def delete_breaker(kind: str, *, revision: int | None = None) -> Command[int | None]:
    """Delete a breaker, if it has the ``revision``: that, 0 for no breaker, None when it has not.

    Its kind is let go.
    """
    return _put(kind, "", revision)


def list_breakers(kind: str = "") -> Command[dict[str, StoredBreaker]]:
    """The breakers, or that of the kind, by kind."""

    def parse(answer: list[Any]) -> dict[str, StoredBreaker]:
        return dict(sorted(read_breaker(*each) for each in answer))

    return Command("breakers/list", (kind, MAX_LISTED), parse)


def read_breaker(
    kind: bytes, text: bytes, stage: bytes, until: bytes, attempts: int, failures: int
) -> tuple[str, StoredBreaker]:
    """The kind and the breaker of an entry of the list."""
    about = msgspec.json.decode(text, type=BreakerArguments)
    stored = StoredBreaker(
        breaker=Breaker(share=about.share, of=about.of, within=about.within, hold=about.hold),
        revision=about.revision or 0,
        declared=about.declared,
        stage=stage.decode(),  # type: ignore[arg-type]
        until=float(until) if until else None,
        attempts=attempts,
        failures=failures,
    )
    return kind.decode(), stored


def _put(kind: str, text: str, revision: int | None) -> Command[int | None]:
    expected = "" if revision is None else revision
    return Command(
        "breakers/put", (kind, text, expected), lambda answer: int(answer) if answer else None
    )
