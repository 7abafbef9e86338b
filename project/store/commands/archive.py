"""Commands of the history: which ended jobs are to be archived, and who may change the files."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

import msgspec

from project.store.commands.command import Command, Field, decode_texts, encode_json

MAX_ERASURES = 1_000
"""How many accounts of erasures are kept, the newest."""


class Batch(NamedTuple):
    """Jobs that are archived together; a batch that is not confirmed comes again as it was."""

    number: int
    ids: list[str]


class Backlog(NamedTuple):
    """How many ended jobs wait for the archiver; the first has done so for ``seconds``."""

    jobs: int
    seconds: float


class ErasureAccount(msgspec.Struct, frozen=True):
    """Who erased how many jobs from the history, and when in seconds since 1970.

    ``fields`` are the names that were searched, never the values.
    """

    at: float
    by: str
    fields: list[str]
    jobs: int


def switch(*, on: bool) -> Command[None]:
    """Turn the history on or off for all workers."""
    return Command("archive/switch", (int(on),), lambda _: None)


def begin(token: str, seconds: int, *, even_idle: bool) -> Command[bool]:
    """Take the lease if the history is on and a job waits; ``even_idle``: if none waits, too."""
    return Command("archive/begin", (token, seconds, int(even_idle)), bool)


def lease(token: str, seconds: int) -> Command[bool]:
    """Take or renew the lease on the files. False: another process has it."""
    return Command("archive/lease", (token, seconds), bool)


def release(token: str) -> Command[None]:
    """Give the lease back."""
    return Command("archive/release", (token,), lambda _: None)


def claim(token: str, most: int) -> Command[Batch | None]:
    """The next batch; None when no job waits, or the lease is lost."""

    def parse(answer: list[bytes]) -> Batch | None:
        return Batch(int(answer[0]), decode_texts(answer[1:])) if answer else None

    return Command("archive/claim", (token, most), parse)


def read(ids: Sequence[str], fields: Sequence[str]) -> Command[list[dict[str, Field]]]:
    """The fields of some records, in the order of the ids, and as ``logs`` files as JSON lines."""

    def parse(answer: list[list[Field]]) -> list[dict[str, Field]]:
        return [
            dict(zip(fields, values, strict=True)) | {"logs": b"\n".join(filter(None, files))}
            for values, files in batched(answer, 2)
        ]

    return Command("archive/read", (len(fields), *fields, *ids), parse)


def confirm(token: str, batch: Batch, ended: Mapping[str, str]) -> Command[bool]:
    """Mark the jobs of a batch as archived. False: the lease is lost.

    ``ended``: of each job that was written, when its run ended, as the record has it.
    """
    pairs = [text for job_id in batch.ids for text in (job_id, ended.get(job_id, ""))]
    return Command("archive/confirm", (token, batch.number, *pairs), bool)


def read_backlog() -> Command[Backlog]:
    """The ended jobs that are not archived yet."""
    return Command("archive/count", (), lambda answer: Backlog(answer[0], float(answer[1])))


def log_erasure(account: ErasureAccount) -> Command[None]:
    """Keep the account of an erasure."""
    arguments = (encode_json(account), MAX_ERASURES)
    return Command("archive/log_erasure", arguments, lambda _: None)


def list_erasures(most: int) -> Command[list[ErasureAccount]]:
    """The newest accounts first."""

    def parse(answer: list[Any]) -> list[ErasureAccount]:
        return [msgspec.json.decode(text, type=ErasureAccount) for text in answer]

    return Command("archive/list_erasures", (most,), parse)
