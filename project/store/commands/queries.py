"""Commands that read records, one or a page of them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType, structs

from project.records.record import (
    WAITING_STATUSES,
    Estimate,
    Failure,
    NodePlace,
    Origin,
    Progress,
    RecordPage,
    ShownTask,
    Step,
    TaskRecord,
    TaskStatus,
    Wait,
)
from project.store.commands.command import (
    Command,
    Field,
    decode_json,
    decode_seconds,
    decode_text,
    encode_json,
    restore_objects,
)

RECORD_FIELDS = (
    "status",
    "kind",
    "queue",
    "attempts",
    "max_retries",
    "error",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "due_at",
    "result",
    "interruptions",
    "progress",
    "tags",
    "tenant",
    "lane",
    "held_by",
    "fingerprint",
)
"""The fields of a record in Redis; ``read_with_estimate.lua`` relies on the order of the first."""

ERRORS_FIELD = "errors"
"""The field that lists leave out: up to 20 failures, up to 60 KB."""

STEPS_FIELD = "steps"
"""The finished steps without their results; lists leave it out, too."""

WAIT_FIELD = "wait"
"""What the job waits for; only of a waiting job it means something."""

PLACE_FIELDS = ("workflow", "canvas_of", "schedule", "trace", "parent")
"""The workflow with the node that the job is, the canvas that it is part of, and its origin."""

DETAIL_FIELDS = (*RECORD_FIELDS, ERRORS_FIELD, STEPS_FIELD, WAIT_FIELD, *PLACE_FIELDS)

MAX_SCANNED_RECORDS = 1_000
"""How many records one page scans: some milliseconds in which Redis does nothing else."""

UNREADABLE = "cannot be read"
"""Stands for a part of a record that was not written by this program."""

_progress = msgspec.json.Decoder(Progress)

_failures = msgspec.json.Decoder(Failure)

_steps = msgspec.json.Decoder(Step)

_wait = msgspec.json.Decoder(Wait)


class RecordFilter(NamedTuple):
    """Which records are wanted; an empty part means all.

    Times are seconds since the epoch, both exclusive. A record has each of the ``tags``.
    ``error`` is a part of its error text; ``scheduled``: whether it waits for its due time;
    ``cause`` the fingerprint of its last failure; ``text`` a part of its id, a tag, its error, its
    result or, for ``shown_kinds`` only, its payload. For these four, records are read, so a page
    scans ``MAX_SCANNED_RECORDS`` of them, or 4 MB of texts, and may be short, or empty, before the
    end.
    """

    kinds: Sequence[str] = ()
    queues: Sequence[str] = ()
    statuses: Sequence[TaskStatus] = ()
    tags: Sequence[str] = ()
    tenant: str = ""
    created_after: float | None = None
    created_before: float | None = None
    error: str = ""
    except_kinds: Sequence[str] = ()
    scheduled: bool | None = None
    cause: str = ""
    text: str = ""
    shown_kinds: Sequence[str] = ()

    @property
    def is_scan(self) -> bool:
        """Whether records must be read to know which match, so that there is no total."""
        reads_fields = bool(self.error or self.cause or self.text) or self.scheduled is not None
        return reads_fields or len(self.tags) + bool(self.tenant) > 1


ALL_RECORDS = RecordFilter()


class StoredOutcome(NamedTuple):
    """A record and what Celery's result has beside it, in Celery's JSON.

    ``exception`` is of the last failure, ``children`` are the jobs that it called, ``own_state``
    what the job has chosen as its state: None, or an object with ``state`` and ``meta``.
    ``worker`` ran its last attempt; ``payload`` is "" unless it was asked for.
    """

    record: TaskRecord
    exception: Any
    children: Any
    own_state: Any
    group: str
    parent: str
    worker: str
    payload: str


def read_payload(job_id: str) -> Command[list[Any]]:
    """The arguments of a job: ``[args, kwargs]``."""
    return Command(
        "queries/read_fields",
        (job_id, "payload"),
        lambda values: restore_objects(decode_json(values[0])) or [[], {}],
    )


def read_payloads(job_id: str) -> Command[tuple[list[Any], list[Any] | None]]:
    """The arguments of a job, and those before the last rerun that changed them, None for none."""

    def parse(values: list[Field]) -> tuple[list[Any], list[Any] | None]:
        now, before = (restore_objects(decode_json(value)) for value in values)
        return now or [[], {}], before

    return Command("queries/read_fields", (job_id, "payload", "payload_before"), parse)


def read_payload_text(job_id: str) -> Command[str]:
    """The arguments of a job as they were encoded, "" when there are none."""
    return Command(
        "queries/read_fields", (job_id, "payload"), lambda values: decode_text(values[0])
    )


def read_record(job_id: str) -> Command[TaskRecord | None]:
    """The record, or None when there is none."""
    return Command(
        "queries/read_fields",
        (job_id, *DETAIL_FIELDS),
        lambda values: parse_detailed_record(job_id, values),
    )


def read_with_estimate(job_id: str) -> Command[TaskRecord | None]:
    """The record; of a pending job a ``ShownTask``, with its place and its estimate."""

    def parse(values: list[Any]) -> TaskRecord | None:
        fields, estimate = values[: len(DETAIL_FIELDS)], values[len(DETAIL_FIELDS) :]
        record = parse_detailed_record(job_id, fields)
        return build_shown_task(record, *estimate) if record and estimate else record

    return Command("queries/read_with_estimate", (job_id, *DETAIL_FIELDS), parse)


OUTCOME_FIELDS = ("exception", "children", "state", "state_attempt", "group", "parent", "token")


def read_outcome(job_id: str, *, extended: bool = False) -> Command[StoredOutcome | None]:
    """The record and what Celery's result has beside it; ``extended``: also its payload."""

    def parse(values: list[Field]) -> StoredOutcome | None:
        fields, rest = values[: len(RECORD_FIELDS)], values[len(RECORD_FIELDS) :]
        exception, children, state, attempt, group, parent, token, *payload = rest
        record = parse_record(job_id, fields)
        if record is None:
            return None
        return StoredOutcome(
            record,
            decode_json(exception),
            decode_json(children),
            pick_own_state(record, decode_json(state), decode_text(attempt)),
            decode_text(group),
            decode_text(parent),
            decode_text(token).partition("/")[0],
            decode_text(payload[0]) if payload else "",
        )

    wanted = (*RECORD_FIELDS, *OUTCOME_FIELDS, *(("payload",) if extended else ()))
    return Command("queries/read_fields", (job_id, *wanted), parse)


def pick_own_state(record: TaskRecord, state: Any, attempt: str) -> Any:
    """The state that a job has chosen itself, if that still holds: of this attempt, not yet ended.

    One that somebody else set ("" as ``attempt``) holds until the job ends.
    """
    if not isinstance(state, dict) or (record.is_final and not state["is_last"]):
        return None
    return state if attempt in ("", str(record.attempts)) else None


def list_page(
    question: RecordFilter = ALL_RECORDS,
    *,
    limit: int,
    cursor: tuple[float, str] | None = None,
    is_ascending: bool = False,
) -> Command[RecordPage]:
    """The records that match, at most ``limit``, after the ``cursor``.

    The newest are first; with ``is_ascending`` the oldest.
    """

    def parse(answer: list[Any]) -> RecordPage:
        total, scanned, last_score, last_id, *rows = answer
        found = (parse_record(row[0].decode(), row[1:]) for row in rows)
        records = [record for record in found if record]
        next_cursor = (float(last_score), last_id.decode()) if last_id else None
        return RecordPage(records, None if question.is_scan else total, next_cursor, scanned)

    conditions = format_question(question, limit, cursor) | {"is_ascending": is_ascending}
    return Command("queries/list_page", (encode_json(conditions),), parse)


def format_question(
    question: RecordFilter, limit: int, cursor: tuple[float, str] | None
) -> dict[str, Any]:
    """The argument of ``list_page.lua``."""
    after, before = question.created_after, question.created_before
    conditions: dict[str, Any] = {
        "limit": limit,
        "max_scanned": MAX_SCANNED_RECORDS,
        "oldest": "-inf" if after is None else f"({after!r}",
        "newest": "+inf" if before is None else f"({before!r}",
        "kinds": question.kinds,
        "except_kinds": question.except_kinds,
        "queues": question.queues,
        "statuses": question.statuses,
        "tags": question.tags,
        "fields": RECORD_FIELDS,
    }
    if question.tenant:
        conditions["tenant"] = question.tenant
    if question.error:
        conditions["error"] = question.error
    if question.cause:
        conditions["cause"] = question.cause
    if question.text:
        conditions["texts"] = write_in_json(question.text)
        conditions["shown_kinds"] = question.shown_kinds
    if question.scheduled is not None:
        conditions["scheduled"] = question.scheduled
    if cursor:
        conditions |= {"after_score": repr(cursor[0]), "after_id": cursor[1]}
    return conditions


def write_in_json(text: str) -> list[str]:
    """A text, and as JSON has it, with and without escapes for what is not ASCII."""
    plain = msgspec.json.encode(text).decode()[1:-1]
    return list(dict.fromkeys((text, plain, json.dumps(text)[1:-1])))


def parse_detailed_record(job_id: str, values: Sequence[Field]) -> TaskRecord | None:
    """A record from the values of ``DETAIL_FIELDS``; None when there is none."""
    *fields, errors, steps, wait, workflow, canvas, schedule, trace, parent = values
    record = parse_record(
        job_id, fields, parse_lines(errors, _failures), parse_steps(steps) or UNSET
    )
    if record is None:
        return None
    found: dict[str, Any] = {}
    if record.status is TaskStatus.WAITING:
        (found["wait"],) = parse_lines(wait, _wait) or (UNSET,)
    if workflow:
        found["workflow"] = NodePlace(*decode_text(workflow).split(" ", 1))
    if canvas:
        found["canvas"] = decode_text(canvas)
    if origin := Origin(decode_text(schedule), decode_text(trace), decode_text(parent)):
        found["origin"] = origin
    return structs.replace(record, **found) if found else record


def parse_record(
    job_id: str,
    values: Sequence[Field],
    errors: list[Failure] | UnsetType = UNSET,
    steps: list[Step] | UnsetType = UNSET,
) -> TaskRecord | None:
    """A record from the values of ``RECORD_FIELDS``; None when there is none."""
    if values[0] is None:
        return None
    field = dict(zip(RECORD_FIELDS, values, strict=True))
    status = TaskStatus(decode_text(field["status"]))
    return TaskRecord(
        id=job_id,
        kind=decode_text(field["kind"]),
        status=status,
        attempts=int(field["attempts"] or 0),
        max_retries=int(field["max_retries"] or 0),
        result=decode_json(field["result"]),
        error=decode_text(field["error"]),
        created_at=float(field["created_at"] or 0),
        updated_at=float(field["updated_at"] or 0),
        started_at=decode_seconds(field["started_at"]),
        finished_at=decode_seconds(field["finished_at"]),
        due_at=decode_seconds(field["due_at"]) if status in WAITING_STATUSES else None,
        interruptions=int(field["interruptions"] or 0),
        queue=decode_text(field["queue"]),
        tags=parse_tags(field["tags"]),
        progress=parse_progress(field["progress"]),
        errors=errors,
        steps=steps,
        tenant=decode_text(field["tenant"]) or UNSET,
        cause=(status is TaskStatus.FAILED and decode_text(field["fingerprint"])) or UNSET,
        lane=decode_text(field["lane"]),
        held_by=decode_text(field["held_by"]) if status in WAITING_STATUSES else "",
    )


def build_shown_task(
    record: TaskRecord, position: int | bytes, starts_at: bytes, ends_at: bytes, held_by: bytes
) -> ShownTask:
    """A pending job with its place, its estimated times, and what holds its lane; "" if unknown."""
    estimate = Estimate(float(starts_at), float(ends_at)) if starts_at else None
    place = position if isinstance(position, int) else None
    about = structs.asdict(record) | ({"held_by": held_by.decode()} if held_by else {})
    return ShownTask(**about, position=place, estimate=estimate)


def parse_tags(value: Field) -> list[str]:
    """Stored tags; one that says so when they cannot be read."""
    tags = decode_json(value) or []
    return tags if isinstance(tags, list) else [UNREADABLE]


def parse_steps(lines: Field) -> list[Step]:
    """Stored steps, in the order in which they ended."""
    return parse_lines(lines, _steps)


def parse_lines[T](lines: Field, decoder: msgspec.json.Decoder[T]) -> list[T]:
    """The values of stored lines of JSON, but for those that cannot be read."""
    values = []
    for line in (lines or b"").splitlines():
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            values.append(decoder.decode(line))
    return values


def parse_progress(value: Field) -> Progress | None:
    """A stored progress, None when there is none or it cannot be read."""
    try:
        return _progress.decode(value) if value else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Progress(0, note=UNREADABLE)
