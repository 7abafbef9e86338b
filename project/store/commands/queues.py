"""Commands of queues: their state, pause and resume."""

from collections.abc import Sequence
from typing import Any

from project.records.grouping import KindQueue, parse_kind_queue
from project.records.record import Queue
from project.store.commands.command import Command, decode_seconds, decode_texts


def list_queues() -> Command[list[Queue]]:
    """The state of every queue that ever had a message or has a worker, sorted by name."""

    def parse(answer: list[Any]) -> list[Queue]:
        return sorted((parse_queue(row) for row in answer), key=lambda queue: queue.name)

    return Command("queues/list_queues", (), parse)


def pause(queue: str, by: str = "") -> Command[bool]:
    """Let a queue hand out no messages until it is resumed; ``by`` names who says so."""
    return Command("queues/pause", (queue, by), bool)


def resume(queue: str) -> Command[bool]:
    """Let a queue hand out messages again, at once."""
    return Command("queues/resume", (queue,), bool)


def purge(queue: str, most: int) -> Command[int]:
    """Throw away messages of a queue and cancel their jobs: how many, at most ``most``."""
    return Command("queues/purge", (queue, most), int)


def drop_finished(name: str, offset: int, most: int) -> Command[int | None]:
    """Remove the messages of ended jobs from ``most`` places of a list, from ``offset`` on.

    Returns the next offset, None at the end of the list.
    """

    def parse(answer: list[Any]) -> int | None:
        return None if answer[1] == b"" else int(answer[1])

    return Command("queues/drop_finished", (name, offset, most), parse)


def list_lists(queue: str) -> Command[list[str]]:
    """The Redis lists that may have messages of a queue, those of its lanes included."""
    return Command("queues/list_lists", (queue,), decode_texts)


def list_names() -> Command[list[str]]:
    """The name of every queue that ever had a message or a job, sorted."""
    return Command("queues/list_names", (), lambda names: sorted(set(decode_texts(names))))


def list_kind_queues() -> Command[list[KindQueue]]:
    """Every kind and queue that ever had a record, sorted."""
    return Command(
        "queues/list_kind_queues",
        (),
        lambda names: sorted(parse_kind_queue(name.decode()) for name in names),
    )


def parse_queue(row: Sequence[Any]) -> Queue:
    """A queue from its row in the answer of ``list_queues``."""
    name, waiting, oldest, running, paused, workers, held_lanes, empty_in, since, by = row
    return Queue(
        name=name.decode(),
        waiting=None if waiting == b"" else waiting,
        running=running,
        paused=bool(paused),
        oldest=decode_seconds(oldest),
        workers=workers,
        held_lanes=held_lanes,
        empty_in=decode_seconds(empty_in),
        paused_at=decode_seconds(since),
        paused_by=by.decode(),
    )
