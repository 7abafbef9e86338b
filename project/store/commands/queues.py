"""Commands of queues: their state, pause and resume."""

from collections.abc import Sequence
from typing import Any

from project.records.grouping import KindQueue, parse_kind_queue
from project.records.record import Queue
from project.store.commands.command import Command, decode_seconds


def list_queues() -> Command[list[Queue]]:
    """The state of every queue that ever had a message or has a worker, sorted by name."""

    def parse(answer: list[Any]) -> list[Queue]:
        return sorted((parse_queue(row) for row in answer), key=lambda queue: queue.name)

    return Command("queues/list_queues", (), parse)


def pause(queue: str) -> Command[bool]:
    """Let a queue hand out no messages until it is resumed."""
    return Command("queues/pause", (queue,), bool)


def resume(queue: str) -> Command[bool]:
    """Let a queue hand out messages again, at once."""
    return Command("queues/resume", (queue,), bool)


def list_kind_queues() -> Command[list[KindQueue]]:
    """Every kind and queue that ever had a record, sorted."""
    return Command(
        "queues/list_kind_queues",
        (),
        lambda names: sorted(parse_kind_queue(name.decode()) for name in names),
    )


def parse_queue(row: Sequence[Any]) -> Queue:
    """A queue from its row in the answer of ``list_queues``."""
    name, waiting, oldest, running, paused, workers = row
    return Queue(
        name=name.decode(),
        waiting=None if waiting == b"" else waiting,
        running=running,
        paused=bool(paused),
        oldest=decode_seconds(oldest),
        workers=workers,
    )
