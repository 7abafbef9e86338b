"""Delivers the end of a job to a callback URL, signed according to Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from project.errors import InvalidField, PermanentError
from project.store.client import Store
from project.store.commands import callbacks
from project.store.commands.callbacks import JobEnding
from tasks.webhooks import calls, guard
from tasks.webhooks.call_arguments import Call
from tasks.webhooks.calls import RetryRequested
from tasks.webhooks.guard import CallTarget
from tasks.webhooks.settings import get_webhook_settings

RETRY_DELAYS_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between the attempts, three and a quarter days in total."""

MAX_JITTER_SHARE = 0.2
"""Each delay is extended at random by up to this share, to spread the load on a server."""

TIMEOUT_SECONDS = 20.0
"""Time limit of one attempt, from the look-up of the name to the last byte."""

MAX_BODY_BYTES = 20_000
MAX_ERROR_CHARACTERS = 2_000
"""Characters of a traceback that are sent when the whole record is too long."""

GONE_STATUS = 410


def check_url(url: str) -> None:
    """Raise ``InvalidField`` for ``callback_url`` if it may not be called; no name is looked up."""
    try:
        guard.parse_url(url)
    except InvalidField as error:
        raise InvalidField("callback_url", error.problem) from None


def deliver(url: str, delivery_id: str, store: Store) -> dict[str, Any]:
    """Send the event once.

    Returns ``{"type": str, "task_id": str, "status": int, "headers": {}, "body": str, "seconds":
    float}``. Raises ``TransientError`` when another attempt may succeed, and ``PermanentError``
    when the URL may not be called or refuses further callbacks.
    """
    started = time.monotonic()
    ending = read_ending(url, delivery_id, store)
    target = guard.parse_url(url)
    text = build_body(ending)
    call = Call(url, headers=build_headers(delivery_id, text), body=text, timeout=TIMEOUT_SECONDS)
    response = calls.redact_response(calls.send_call(call, target, delivery_id), call)
    if response.status == GONE_STATUS:
        store.run(callbacks.disable_url(url))
        refuse_callbacks(target, f"answered {GONE_STATUS}")
    if response.status not in calls.SUCCESS_STATUSES:
        raise calls.retry_error_from(response, target)
    event = {"type": event_type_of(ending), "task_id": ending.job_id}
    return {**event, **response._asdict(), "seconds": round(time.monotonic() - started, 3)}


def read_ending(url: str, delivery_id: str, store: Store) -> JobEnding:
    """Read the end of the job. Raises ``PermanentError`` when there is nothing to deliver."""
    ending = store.run(callbacks.read_delivery(delivery_id, url))
    if ending is None:
        raise PermanentError(
            "only the end of a job creates a callback; there is nothing to deliver"
        )
    if not ending.is_wanted:
        refuse_callbacks(guard.parse_url(url), f"has answered {GONE_STATUS}")
    return ending


def refuse_callbacks(target: CallTarget, reason: str) -> NoReturn:
    """Raise ``PermanentError`` for a URL that gets no callbacks."""
    raise PermanentError(f"{target} {reason}: it gets no callbacks until POST /callbacks/enable")


def build_body(ending: JobEnding) -> str:
    """Return the event as JSON, with parts of the record omitted if it would be too long."""
    at = datetime.fromtimestamp(ending.at, UTC)
    texts = (encode_event(event_type_of(ending), at, data) for data in shrink_record(ending))
    return next(text for text in texts if len(text.encode()) <= MAX_BODY_BYTES)


def shrink_record(ending: JobEnding) -> Iterator[dict[str, Any]]:
    """Yield the record, then shorter versions of it; ``omitted`` lists what is missing."""
    if ending.workflow:
        yield msgspec.to_builtins(ending.workflow)
    if ending.record:
        record = ending.record.to_dict()
        error = ending.record.error[-MAX_ERROR_CHARACTERS:]
        yield record
        yield record | {"result": None, "omitted": ["result"]}
        yield record | {"result": None, "error": error, "omitted": ["result", "error"]}
    yield {"id": ending.job_id, "omitted": ["record"]}


def encode_event(name: str, at: datetime, data: dict[str, Any]) -> str:
    """Encode an event as JSON."""
    return msgspec.json.encode({"type": name, "timestamp": at, "data": data}).decode()


def event_type_of(ending: JobEnding) -> str:
    """``task.success``, ``task.failed``, ``task.cancelled``, or ``workflow.success`` and so on."""
    return f"{'workflow' if ending.workflow else 'task'}.{ending.status}"


def build_headers(delivery_id: str, text: str) -> dict[str, str]:
    """Return the headers with the id, the time and the signatures of both and of the body."""
    now = str(int(time.time()))
    content = f"{delivery_id}.{now}.{text}".encode()
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": now,
        "webhook-signature": " ".join(
            sign(key, content) for key in get_webhook_settings().signing_keys
        ),
    }


def sign(key: bytes, content: bytes) -> str:
    """Return a symmetric signature of Standard Webhooks, version 1."""
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def compute_delay(attempts_left: int, error: Exception) -> float:
    """Return the seconds until the next attempt; at least what the server asked for."""
    delay = RETRY_DELAYS_SECONDS[-min(attempts_left, len(RETRY_DELAYS_SECONDS))]
    requested = error.after if isinstance(error, RetryRequested) else 0.0
    return max(delay, requested) * random.uniform(1, 1 + MAX_JITTER_SHARE)  # noqa: S311 - not a secret
