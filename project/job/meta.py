"""Celery's meta of a job: what its result says beside the value."""

from datetime import UTC, datetime
from typing import Any

from project.messages.encoding import decode
from project.records.record import CELERY_STATE, TaskStatus
from project.store.commands.queries import StoredOutcome


def build_meta(outcome: StoredOutcome) -> dict[str, Any]:
    """Build the meta that Celery expects from a record."""
    record, own = outcome.record, outcome.own_state
    meta = {
        "task_id": record.id,
        "status": own["state"] if own else CELERY_STATE[record.status],
        "result": own["meta"] if own else pick_result(outcome),
        "traceback": record.error or None,
        "children": outcome.children or [],
        "date_done": record.finished_at and format_time(record.finished_at),
    }
    if outcome.group:
        meta["group_id"] = outcome.group
    if outcome.parent:
        meta["parent_id"] = outcome.parent
    if outcome.payload:
        meta |= describe_record(outcome)
    return meta


def pick_result(outcome: StoredOutcome) -> Any:
    """What Celery calls the result: the value, the error of a failed attempt, or None."""
    status = outcome.record.status
    if status is TaskStatus.SUCCESS:
        return outcome.record.result
    return None if status in (TaskStatus.PENDING, TaskStatus.RUNNING) else outcome.exception


def describe_record(outcome: StoredOutcome) -> dict[str, Any]:
    """What ``result_extended`` adds, from a record."""
    record = outcome.record
    args, kwargs = decode(outcome.payload)
    return {
        "name": record.kind,
        "args": args,
        "kwargs": kwargs,
        "worker": outcome.worker or None,
        "retries": max(record.attempts - 1, 0),
        "queue": record.queue,
    }


def describe_request(request: Any) -> dict[str, Any]:
    """What ``result_extended`` adds, from the request of an attempt."""
    return {
        "name": getattr(request, "task", None),
        "args": getattr(request, "args", None),
        "kwargs": getattr(request, "kwargs", None),
        "worker": getattr(request, "hostname", None),
        "retries": getattr(request, "retries", None),
        "queue": (getattr(request, "delivery_info", None) or {}).get("routing_key"),
    }


def describe_failure(exception: Any) -> dict[str, Any]:
    """Celery's JSON of an error; for any other value that was stored as one, an error with it."""
    if isinstance(exception, dict) and "exc_type" in exception:
        return exception
    return {"exc_type": "Exception", "exc_module": "builtins", "exc_message": [str(exception)]}


def format_time(seconds: float) -> str:
    """Format seconds since the epoch as Celery does: ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
