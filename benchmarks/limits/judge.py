"""Reads the append-only file of a Valkey: how many jobs ran at once at any time."""

from collections.abc import Iterator
from pathlib import Path

JOB_KEY = b"continuo:job:"


def read_commands(folder: Path) -> Iterator[list[bytes]]:
    """The commands of an append-only file that has never been rewritten."""
    for path in sorted(folder.glob("appendonlydir/*.incr.aof")):
        with path.open("rb") as file:
            while (head := file.readline()).startswith(b"*"):
                parts = []
                for _ in range(int(head[1:])):
                    length = int(file.readline()[1:])
                    parts.append(file.read(length))
                    file.read(2)
                yield parts


def find_most_running(folder: Path) -> int:
    """The most jobs that had the status ``running`` after any write."""
    running: set[bytes] = set()
    most = 0
    for name, *arguments in read_commands(folder):
        if name.upper() != b"HSET" or not arguments[0].startswith(JOB_KEY):
            continue
        key, fields = arguments[0], arguments[1:]
        status = dict(zip(fields[::2], fields[1::2], strict=True)).get(b"status")
        if status == b"running":
            running.add(key)
            most = max(most, len(running))
        elif status:
            running.discard(key)
    return most
