"""Commands of relays: what they see in the outboxes of applications."""

from typing import Any, NamedTuple

import msgspec

from project.store.commands.command import Command


class OutboxState(NamedTuple):
    """What a relay saw last in an outbox.

    ``rows`` wait, at most 100,000 are counted, and the first of them for ``lag`` seconds; 0 when
    none waits. ``refused`` rows are put aside. ``unseen``: seconds since a relay looked.
    """

    name: str
    rows: int
    lag: float
    refused: int
    unseen: float


class StoredState(msgspec.Struct):
    """The state of an outbox as Redis keeps it; times are in seconds since the epoch."""

    rows: int
    refused: int
    seen_at: float
    oldest_at: float | None = None


def report_outbox(name: str, rows: int, age: float | None, refused: int) -> Command[bool]:
    """Say what is in an outbox; ``age`` is that of the first row in seconds, None without rows."""
    return Command("relay/report", (name, rows, "" if age is None else age, refused), bool)


def list_outboxes() -> Command[list[OutboxState]]:
    """The outboxes that relays have looked at in the last day, by name."""

    def parse(answer: list[Any]) -> list[OutboxState]:
        *found, now = answer
        pairs = zip(found[::2], found[1::2], strict=True)
        return sorted(parse_state(name, text, float(now)) for name, text in pairs)

    return Command("relay/list", (), parse)


def parse_state(name: bytes, text: bytes, now: float) -> OutboxState:
    """The state of an outbox at a time."""
    stored = msgspec.json.decode(text, type=StoredState)
    lag = 0.0 if stored.oldest_at is None else max(now - stored.oldest_at, 0.0)
    unseen = max(now - stored.seen_at, 0.0)
    return OutboxState(name.decode(), stored.rows, lag, stored.refused, unseen)
