"""A delivery: somebody is told how a job ended, signed as Standard Webhooks says.

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
"""Seconds between the attempts: three days and a quarter in all."""

MAX_JITTER_SHARE = 0.2
"""A delay is longer by up to this share of it, so that a server that was away is not swamped."""

TIMEOUT_SECONDS = 20.0
"""Seconds for one attempt, from the look-up of the name to the last byte."""

MAX_BODY_BYTES = 20_000
MAX_ERROR_CHARACTERS = 2_000
"""Characters of a traceback that are told when the whole of it is too much."""

GONE_STATUS = 410


def check_url(url: str) -> None:
    """Raise ``InvalidField`` for a URL that may not be called, as far as can be told now."""
    try:
        guard.parse_url(url)
    except InvalidField as error:
        raise InvalidField("callback_url", error.problem) from None


def deliver(url: str, delivery_id: str, store: Store) -> dict[str, Any]:
    """Tell it once.

    Returns ``{"type": str, "task_id": str, "status": int, "headers": {}, "body": str, "seconds":
    float}``. Raises ``TransientError`` when another attempt may work, ``PermanentError`` when the
    URL may not be called or wants no more callbacks.
    """
    ending, target, started = (
        read_ending(url, delivery_id, store),
        guard.parse_url(url),
        time.monotonic(),
    )
    text = build_body(ending)
    call = Call(url, headers=build_headers(delivery_id, text), body=text, timeout=TIMEOUT_SECONDS)
    answer = calls.redact_response(calls.send_call(call, target, delivery_id), call)
    if answer.status == GONE_STATUS:
        store.run(callbacks.disable_url(url))
        refuse(target, f"answered {GONE_STATUS}")
    if answer.status not in calls.SUCCESS_STATUSES:
        words = f"{target} answered {answer.status}: {calls.replace_unprintable(answer.body)}"
        raise RetryRequested(words, calls.parse_retry_after(answer.headers.get("retry-after", "")))
    about = {"type": event_type_of(ending), "task_id": ending.job_id}
    return {**about, **answer._asdict(), "seconds": round(time.monotonic() - started, 3)}


def read_ending(url: str, delivery_id: str, store: Store) -> JobEnding:
    """What the delivery is to tell. Raises ``PermanentError`` when there is nothing to be told."""
    ending = store.run(callbacks.read_delivery(delivery_id, url))
    if ending is None:
        raise PermanentError("this job was not made by the end of another: it has nothing to tell")
    if not ending.is_wanted:
        refuse(guard.parse_url(url), f"has answered {GONE_STATUS}")
    return ending


def refuse(target: CallTarget, reason: str) -> NoReturn:
    """No callback goes to this URL."""
    raise PermanentError(f"{target} {reason}: it gets no callbacks until POST /callbacks/enable")


def build_body(ending: JobEnding) -> str:
    """What is sent, as JSON; where that would be too long the record says what is left out."""
    at = datetime.fromtimestamp(ending.at, UTC)
    texts = (encode_event(event_type_of(ending), at, data) for data in shrink_record(ending))
    return next(text for text in texts if len(text.encode()) <= MAX_BODY_BYTES)


def shrink_record(ending: JobEnding) -> Iterator[dict[str, Any]]:
    """The record, then with less and less of it."""
    if ending.record:
        record = ending.record.to_dict()
        error = ending.record.error[-MAX_ERROR_CHARACTERS:]
        yield record
        yield record | {"result": None, "omitted": ["result"]}
        yield record | {"result": None, "error": error, "omitted": ["result", "error"]}
    yield {"id": ending.job_id, "omitted": ["record"]}


def encode_event(name: str, at: datetime, data: dict[str, Any]) -> str:
    """An event as it goes over the wire."""
    return msgspec.json.encode({"type": name, "timestamp": at, "data": data}).decode()


def event_type_of(ending: JobEnding) -> str:
    """``task.success``, ``task.failed`` or ``task.cancelled``."""
    return f"task.{ending.status}"


def build_headers(delivery_id: str, text: str) -> dict[str, str]:
    """Who it is, when it is sent, and the proof of both and of the body."""
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
    """One signature, of the first version of the standard's symmetric ones."""
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def compute_delay(attempts_left: int, problem: Exception) -> float:
    """Seconds until the next attempt, of which there are so many."""
    delay = RETRY_DELAYS_SECONDS[-min(attempts_left, len(RETRY_DELAYS_SECONDS))]
    asked = problem.after if isinstance(problem, RetryRequested) else 0.0
    return max(delay, asked) * random.uniform(1, 1 + MAX_JITTER_SHARE)  # noqa: S311 - no secret
