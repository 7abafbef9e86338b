"""Commands of the logs of jobs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from project.records.log_line import JobLogLine, LogFile
from project.store.commands.command import Command, Field

_line = msgspec.json.Decoder(JobLogLine)
_file = msgspec.json.Decoder(LogFile)


class StoredLog(NamedTuple):
    """Lines of a job, oldest first.

    ``end`` is the place after the last one: the bytes that the job has logged. ``dropped``: the
    bytes that were asked for and are not kept any more. ``files``: the whole logs of attempts that
    have logged more than is kept.
    """

    lines: list[JobLogLine]
    end: int
    dropped: int
    files: Sequence[LogFile] = ()


def append(batch: str, lines: Mapping[str, bytes]) -> Command[int]:
    """Add lines of JSON, by the id of their job; how many of the jobs have a record.

    ``batch`` names this call, so that a repetition adds nothing; it has no spaces.
    """
    pairs = [part for pair in lines.items() for part in pair]
    return Command("logs/append", (batch, *pairs), int)


def read(job_id: str, *, after: int = 0) -> Command[StoredLog]:
    """The lines of a job after a place, as far as they are kept."""

    def parse(answer: list[Field]) -> StoredLog:
        text, *files = answer
        return parse_log(text, after)._replace(files=[_file.decode(file or b"") for file in files])

    return Command("logs/read", (job_id,), parse)


def add_file(job_id: str, file: LogFile) -> Command[int]:
    """Keep where the whole log of an attempt is; 1, or 0 when the job has no record."""
    return Command("logs/add_file", (job_id, msgspec.json.encode(file)), int)


def parse_log(text: Field, after: int) -> StoredLog:
    """The lines after a place in a stored log."""
    if not text:
        return StoredLog([], 0, 0)
    head, _, kept = text.partition(b"\n")
    start = int(head.split()[0])
    end = start + len(kept)
    if after > end:  # the job was deleted and ordered anew under its id
        after = 0
    wanted = kept[max(after - start, 0) :]
    return StoredLog(
        [_line.decode(line) for line in wanted.splitlines()], end, max(start - after, 0)
    )
