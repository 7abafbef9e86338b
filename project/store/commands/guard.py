"""Commands that find records which could never end, and mend them; each does a bounded amount."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from project.store.commands.command import Command, decode_texts, encode_json

MAX_NODE_FAULTS = 100
"""The number of faults of one workflow that are told."""


class Fault(NamedTuple):
    """A broken record: what is wrong with it, and how it was or would be mended.

    ``how``: ``requeued`` (the job runs again) or ``failed``; "" when it is not mended.
    """

    job_id: str
    problem: str
    how: str = ""


class WaitingJob(NamedTuple):
    """A waiting job whose message is not on its record.

    ``changed_at``: when the record changed, as text. ``place``: the first list of its lane, and
    ``beside``: of the lane beside that, where a limit may have put the message; "" if none did.
    """

    job_id: str
    changed_at: str
    place: str
    beside: str = ""


class WorkerReport(msgspec.Struct):
    """What a worker runs.

    ``as_of``: a time of Redis before the report was made. ``running``: serials. ``settled``: of
    each pool process the number of a claim; earlier ones are over, except those that run.
    """

    as_of: float
    running: list[str]
    settled: dict[str, int]


def report(worker: str, number: int, about: WorkerReport) -> Command[float]:
    """Store what a worker runs, unless a later report is known: the time of Redis."""
    return Command("workers/report", (worker, number, encode_json(about)), float)


def lead(worker: str, seconds: int) -> Command[bool]:
    """Let one worker do the search for ``seconds`` from now. False: another does."""
    return Command("guard/lead", (worker, seconds), bool)


def check_running(
    kind_queue: str, offset: int, most: int, *, mends: bool
) -> Command[tuple[int | None, list[Fault]]]:
    """Find, and perhaps mend, running jobs that nobody runs; the next offset, None at the end."""

    def parse(answer: list[Any]) -> tuple[int | None, list[Fault]]:
        following, *texts = answer
        rows = decode_texts(texts)
        faults = map(Fault, rows[::3], rows[1::3], rows[2::3])
        return parse_offset(following), list(faults)

    return Command("guard/check_running", (kind_queue, offset, most, int(mends)), parse)


def check_held(worker: str, *, mends: bool) -> Command[list[Fault]]:
    """Find, and perhaps give back, messages that a worker holds for claims that are over."""

    def parse(answer: list[bytes]) -> list[Fault]:
        rows = decode_texts(answer)
        return list(map(Fault, rows[::3], rows[1::3], rows[2::3]))

    return Command("guard/check_held", (worker, int(mends)), parse)


def list_waiting(
    kind_queue: str, status: str, offset: int, most: int, *, unchanged_for: float
) -> Command[tuple[int | None, list[WaitingJob]]]:
    """Waiting jobs whose message must be on a list or with a worker; the next offset.

    Only those whose record has not changed for some seconds.
    """

    def parse(answer: list[Any]) -> tuple[int | None, list[WaitingJob]]:
        following, *texts = answer
        rows = decode_texts(texts)
        return parse_offset(following), [
            WaitingJob(*rows[at : at + 4]) for at in range(0, len(rows), 4)
        ]

    arguments = (kind_queue, status, offset, most, unchanged_for)
    return Command("guard/list_waiting", arguments, parse)


def list_messages(name: str, first: int, last: int) -> Command[tuple[int, list[str]]]:
    """The number of messages in a part of a list, and the ids of their jobs."""

    def parse(answer: list[Any]) -> tuple[int, list[str]]:
        count, *ids = answer
        return count, decode_ids(ids)

    return Command("guard/list_messages", (name, first, last), parse)


def list_changed(jobs: Sequence[WaitingJob]) -> Command[list[str]]:
    """The ids of those whose record has changed since, or is gone."""
    arguments = [value for job in jobs for value in (job.job_id, job.changed_at)]
    return Command("guard/list_changed", arguments, decode_ids)


def list_held(worker: str) -> Command[list[str]]:
    """The ids of the jobs whose messages a worker holds."""
    return Command("guard/list_held", (worker,), decode_ids)


def mend_waiting(job: WaitingJob) -> Command[str]:
    """Mend a job whose message is nowhere: ``requeued``, ``failed``, "" when it has changed."""
    return Command("guard/mend_waiting", (job.job_id, job.changed_at), bytes.decode)


def rejoin_lanes(places: Sequence[str]) -> Command[bool]:
    """Let the lanes of these lists take turns that have messages and were forgotten."""
    return Command("guard/rejoin_lanes", places, bool)


def rejoin_workflows(offset: int, most: int) -> Command[int | None]:
    """Let rounds look at forgotten workflows that run; the next offset, None at the end."""
    return Command("guard/rejoin_workflows", (offset, most), parse_offset)


def check_records(cursor: str) -> Command[tuple[str, list[Fault]]]:
    """Check some records by themselves; the next cursor, "0" at the end."""

    def parse(answer: list[bytes]) -> tuple[str, list[Fault]]:
        following, *texts = answer
        rows = [text.decode(errors="replace") for text in texts]
        return following.decode(), list(map(Fault, rows[::2], rows[1::2]))

    return Command("guard/check_records", (cursor,), parse)


def check_workflow(workflow_id: str) -> Command[list[tuple[str, str]]]:
    """What is wrong with a workflow: nodes, "" for the workflow itself, and what it is."""

    def parse(answer: list[bytes]) -> list[tuple[str, str]]:
        texts = decode_texts(answer)
        return list(zip(texts[::2], texts[1::2], strict=True))

    return Command("guard/check_workflow", (workflow_id, MAX_NODE_FAULTS), parse)


def parse_offset(value: Any) -> int | None:
    """The next offset, None at the end."""
    return None if value == b"" else int(value)


def decode_ids(ids: list[bytes]) -> list[str]:
    """Ids as text; a foreign message may have anything there."""
    return [job_id.decode(errors="replace") for job_id in ids]
