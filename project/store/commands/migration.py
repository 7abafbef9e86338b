"""Commands that check the version of the data and convert data of version 0."""

from typing import NamedTuple

from project.store.commands.command import Command


class FoundVersion(NamedTuple):
    """The version of the data, and the id of a worker that holds a lease, "" for none."""

    version: int
    worker: str


def check_version(known: int) -> Command[FoundVersion]:
    """The version of the data; where there is no data, ``known`` is written."""

    def parse(answer: list[bytes]) -> FoundVersion:
        return FoundVersion(int(answer[0]), answer[1].decode())

    return Command("migration/check_version", (known,), parse)


def rename_keys() -> Command[int]:
    """Rename the keys of which there is one, and those of each kind and queue."""
    return Command("migration/rename_keys", (), int)


def convert_keys(cursor: str, count: int) -> Command[str]:
    """Convert about ``count`` keys from a cursor on; the next cursor, "0" at the end."""
    return Command("migration/convert_keys", (cursor, count), lambda answer: answer.decode())


def convert_events(count: int) -> Command[int]:
    """Convert up to ``count`` events: how many, 0 at the end."""
    return Command("migration/convert_events", (count,), int)


def finish(version: int) -> Command[int]:
    """Write the version of the converted data."""
    return Command("migration/finish", (version,), int)
