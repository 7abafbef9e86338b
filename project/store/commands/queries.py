"""Records as they are, one or a page of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType, structs

from project.records.labels import DEFAULT_QUEUE, parse_label
from project.records.record import (
    Estimate,
    Failure,
    Progress,
    RecordPage,
    ShownTask,
    TaskRecord,
    TaskStatus,
)
from project.store.commands.command import (
    Argument,
    Command,
    Field,
    decode_json,
    decode_seconds,
    decode_text,
)

RECORD_FIELDS = (
    "kind",
    "status",
    "attempts",
    "max_retries",
    "result",
    "error",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "interruptions",
    "progress",
)

ERRORS_FIELD = "errors"
"""The field that lists leave out: 20 failures, up to 60 KB."""

DETAIL_FIELDS = (*RECORD_FIELDS, ERRORS_FIELD)

MAX_SCANNED_RECORDS = 1_000
"""Records that one page looks at; Redis does nothing else for some milliseconds."""

_progress = msgspec.json.Decoder(Progress)

_failures = msgspec.json.Decoder(Failure)


class RecordFilter(NamedTuple):
    """Which records are wanted; an empty part means all.

    Times are seconds since the epoch, neither is in the range itself. A record has each of the
    ``index_keys``. ``error`` is a part of its error; to find one, records are read, so a page
    looks at ``MAX_SCANNED_RECORDS`` of them and may be short, or empty, before the end.
    """

    kinds: Sequence[str] = ()
    queues: Sequence[str] = ()
    statuses: Sequence[TaskStatus] = ()
    index_keys: Sequence[str] = ()
    created_after: float | None = None
    created_before: float | None = None
    error: str = ""

    @property
    def is_scan(self) -> bool:
        """Whether records have to be read to tell which ones are meant."""
        return bool(self.error) or len(self.index_keys) > 1

    def lists(self) -> list[Sequence[str]]:
        """Kinds, queues, statuses and index_keys as Redis keeps them."""
        queues = ["" if queue == DEFAULT_QUEUE else queue for queue in self.queues]
        return [self.kinds, queues, [status.value for status in self.statuses], self.index_keys]


ALL_RECORDS = RecordFilter()


class StoredOutcome(NamedTuple):
    """A record with the exception it ended with and the jobs it called, in Celery's JSON."""

    record: TaskRecord
    exception: Any
    children: Any


def read_payload(job_id: str) -> Command[list[Any]]:
    """The arguments of a job: ``[args, kwargs]``."""
    return Command(
        "queries/read", (job_id, "payload"), lambda values: decode_json(values[0]) or [[], {}]
    )


def read_record(job_id: str) -> Command[TaskRecord | None]:
    """The record, or None when there is none."""
    return Command(
        "queries/read",
        (job_id, *DETAIL_FIELDS),
        lambda values: parse_detailed_record(job_id, values),
    )


def read_with_estimate(job_id: str) -> Command[TaskRecord | None]:
    """The record; of a pending job a ``ShownTask`` that says what is to be expected."""

    def parse(values: list[Any]) -> TaskRecord | None:
        fields, outlook = values[: len(DETAIL_FIELDS)], values[len(DETAIL_FIELDS) :]
        record = parse_detailed_record(job_id, fields)
        return build_shown_task(record, *outlook) if record and outlook else record

    return Command("queries/show", (job_id, *DETAIL_FIELDS), parse)


def read_outcome(job_id: str) -> Command[StoredOutcome | None]:
    """The record and what Celery's own result carries beside it."""

    def parse(values: list[Field]) -> StoredOutcome | None:
        *fields, exception, children = values
        record = parse_record(job_id, fields)
        return (
            StoredOutcome(record, decode_json(exception), decode_json(children)) if record else None
        )

    return Command("queries/read", (job_id, *RECORD_FIELDS, "exception", "children"), parse)


def list_page(
    question: RecordFilter = ALL_RECORDS, *, limit: int, cursor: tuple[float, str] | None = None
) -> Command[RecordPage]:
    """The records that a question is about, newest first, at most ``limit``."""
    oldest = "-inf" if question.created_after is None else f"({question.created_after!r}"
    newest = "+inf" if question.created_before is None else f"({question.created_before!r}"
    score, after = (repr(cursor[0]), cursor[1]) if cursor else ("", "")

    def parse(answer: list[Any]) -> RecordPage:
        total, looked_at, last_score, last_id, *rows = answer
        found = (parse_record(row[0].decode(), row[1:]) for row in rows)
        records = [record for record in found if record]
        place = (float(last_score), last_id.decode()) if last_id else None
        return RecordPage(records, None if question.is_scan else total, place, looked_at)

    arguments: list[Argument] = [limit, MAX_SCANNED_RECORDS, score, after, oldest, newest]
    arguments.append(question.error)
    for wanted in question.lists():
        arguments += [len(wanted), *wanted]
    return Command("queries/page", [*arguments, *RECORD_FIELDS], parse)


def parse_detailed_record(job_id: str, values: Sequence[Field]) -> TaskRecord | None:
    """A record from the values of ``DETAIL_FIELDS``; None when there is none."""
    *fields, errors = values
    return parse_record(job_id, fields, _failures.decode_lines(errors) if errors else [])


def parse_record(
    job_id: str, values: Sequence[Field], errors: list[Failure] | UnsetType = UNSET
) -> TaskRecord | None:
    """A record from the values of ``RECORD_FIELDS``; None when there is none."""
    if values[0] is None:
        return None
    field = dict(zip(RECORD_FIELDS, values, strict=True))
    label = parse_label(decode_text(field["kind"]))
    return TaskRecord(
        id=job_id,
        kind=label.kind,
        status=TaskStatus(decode_text(field["status"])),
        attempts=int(field["attempts"] or 0),
        max_retries=int(field["max_retries"] or 0),
        result=decode_json(field["result"]),
        error=decode_text(field["error"]),
        created_at=float(field["created_at"] or 0),
        updated_at=float(field["updated_at"] or 0),
        started_at=decode_seconds(field["started_at"]),
        finished_at=decode_seconds(field["finished_at"]),
        interruptions=int(field["interruptions"] or 0),
        queue=label.queue,
        tags=label.tags,
        progress=parse_progress(field["progress"]),
        errors=errors,
        tenant=label.tenant or UNSET,
    )


def build_shown_task(
    record: TaskRecord, position: int | bytes, starts_at: bytes, ends_at: bytes
) -> ShownTask:
    """A pending job with its place and its times, each "" when nobody knows."""
    estimate = Estimate(float(starts_at), float(ends_at)) if starts_at else None
    place = position if isinstance(position, int) else None
    return ShownTask(**structs.asdict(record), position=place, estimate=estimate)


def parse_progress(value: Field) -> Progress | None:
    """A stored progress, None when there is none."""
    return _progress.decode(value) if value else None
