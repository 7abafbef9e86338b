"""Validation of messages: Celery's protocol 2 in JSON, checked before a worker runs it.

Any client of the broker can write to a queue. Celery does not check headers, and a header of the
wrong type ends the worker process; such a message is set aside here first.
"""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from project.messages.old_forms import convert

MAX_LEVELS = 200
"""Levels of nested JSON in the arguments of a job. A worker passes them through code that recurses
less deep than the JSON parser."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
TimeLimitSeconds = Annotated[float, msgspec.Meta(ge=0)]


class MessageHeaders(msgspec.Struct):
    """The headers that a worker uses."""

    id: str
    task: str
    retries: Count = 0
    eta: datetime | None = None
    expires: datetime | None = None
    timelimit: tuple[TimeLimitSeconds | None, TimeLimitSeconds | None] | None = None
    root_id: str | None = None
    parent_id: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    max_attempts: Count | None = None
    revival: str | None = None


class MessageProperties(msgspec.Struct):
    """The properties that a worker uses: the encoding of the body and the queue."""

    delivery_info: dict[str, Any]
    body_encoding: Literal["base64"]


class WireMessage(msgspec.Struct):
    """A message in a Redis list; ``body`` is in base64."""

    body: str
    headers: MessageHeaders
    properties: MessageProperties
    content_type: Literal["application/json"] = msgspec.field(name="content-type")


_message_decoder = msgspec.json.Decoder(WireMessage)
_body_decoder = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], dict[str, Any] | None])
_json_decoder = msgspec.json.Decoder()


class CheckedMessage(NamedTuple):
    """A message that a worker can run: in kombu's form, its body, and the decoded body."""

    message: dict[str, Any]
    body: bytes
    content: tuple[list[Any], dict[str, Any], dict[str, Any] | None]


def decode_message(text: bytes) -> CheckedMessage:
    """Decode and check a message. Raises ``ValueError`` with what a worker cannot read in it."""
    try:
        return _decode_current(text)
    except ValueError:
        current = convert(text)
        if current is None:
            raise
        return _decode_current(current)


def _decode_current(text: bytes) -> CheckedMessage:
    """``decode_message`` for what Celery sends by default: protocol 2, not compressed."""
    try:
        body = base64.b64decode(_message_decoder.decode(text).body, validate=True)
        content = _body_decoder.decode(body)
    except RecursionError as problem:
        raise ValueError("its JSON has too many levels") from problem
    if is_too_deep(body):
        raise ValueError(f"its arguments have more than {MAX_LEVELS} levels")
    return CheckedMessage(_json_decoder.decode(text), body, content)


def check_message(text: bytes) -> CheckedMessage | None:
    """Decode and check a message; None when a worker cannot run it."""
    try:
        return decode_message(text)
    except (ValueError, RecursionError):
        return None


def parse_message(text: bytes) -> dict[str, Any] | None:
    """Decode a message for kombu; None when a worker cannot run it."""
    checked = check_message(text)
    return checked.message if checked else None


def is_too_deep(text: str | bytes) -> bool:
    """Whether valid JSON has more than ``MAX_LEVELS`` levels."""
    raw = text.encode() if isinstance(text, str) else text
    if raw.count(b"[") + raw.count(b"{") <= MAX_LEVELS:
        return False
    try:
        return _has_more_levels(msgspec.json.decode(raw))
    except RecursionError:
        return True


def _has_more_levels(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [inner for outer in level for inner in _children_of(outer)]
    return any(isinstance(value, (dict, list)) for value in level)


def _children_of(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
