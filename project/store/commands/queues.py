"""Queues: how they are doing; paused and resumed."""

from collections.abc import Sequence
from typing import Any

from project.records.record import Queue
from project.store.commands.command import Command, decode_seconds


def list_queues() -> Command[list[Queue]]:
    """How every queue is doing that has ever had a message, or has a worker."""

    def parse(answer: list[Any]) -> list[Queue]:
        return sorted((parse_queue(row) for row in answer), key=lambda queue: queue.name)

    return Command("queues/queues", (), parse)


def pause(queue: str) -> Command[bool]:
    """Let a queue hand out nothing until it is resumed."""
    return Command("queues/pause", (queue,), bool)


def resume(queue: str) -> Command[bool]:
    """Let a queue hand out its messages again, at once."""
    return Command("queues/resume", (queue,), bool)


def list_kind_queues() -> Command[list[str]]:
    """Every kind and queue that have ever had a record, as a label without index_keys."""
    return Command("queues/shelves", (), lambda names: sorted(name.decode() for name in names))


def parse_queue(row: Sequence[Any]) -> Queue:
    """A queue from the script's answer."""
    name, waiting, oldest, running, paused, workers = row
    return Queue(
        name=name.decode(),
        waiting=None if waiting == b"" else waiting,
        running=running,
        paused=bool(paused),
        oldest=decode_seconds(oldest),
        workers=workers,
    )
