"""Validation of messages: Celery's protocol 2 in JSON, checked before a worker runs it.

Any client of the broker can write to a queue. Celery does not check headers, and a header of the
wrong type ends the worker process; such a message is set aside here first.
"""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from kombu.utils.json import loads

from project.messages.old_forms import convert
from project.messages.options import check_id

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
    group: str | None = None
    group_index: int | None = None
    shadow: str | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: int | None = None
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    max_attempts: Count | None = None
    revival: str | None = None


class DeliveryInfo(msgspec.Struct):
    """Where a message was sent: ``routing_key`` is the queue."""

    exchange: str
    routing_key: str


class MessageProperties(msgspec.Struct):
    """The properties that a worker uses: the encoding of the body and the queue."""

    delivery_info: DeliveryInfo
    body_encoding: Literal["base64"]
    priority: int | None = None
    reply_to: str | None = None
    correlation_id: str | None = None


class Call(msgspec.Struct):
    """As much of a call in a canvas as must be right: the kind of its job."""

    task: str


class EmbeddedCanvas(msgspec.Struct):
    """What follows a job."""

    callbacks: list[Call] | None = None
    errbacks: list[Call] | None = None
    chain: list[Call] | None = None
    chord: Call | None = None


class WireMessage(msgspec.Struct):
    """A message in a Redis list; ``body`` is in base64."""

    body: str
    headers: MessageHeaders
    properties: MessageProperties
    content_type: Literal["application/json"] = msgspec.field(name="content-type")
    content_encoding: Literal["utf-8"] | None = msgspec.field(
        name="content-encoding", default="utf-8"
    )


_message_decoder = msgspec.json.Decoder(WireMessage)
_body_decoder = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], dict[str, Any] | None])
_json_decoder = msgspec.json.Decoder()


type Content = tuple[list[Any], dict[str, Any], dict[str, Any] | None]
"""The body of a message: the arguments of the job, and what is embedded for Celery."""


class CheckedMessage(NamedTuple):
    """A message that a worker can run: in kombu's form, its body, and the decoded body."""

    message: dict[str, Any]
    body: bytes
    content: Content


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
        message = _message_decoder.decode(text)
        check_id(message.headers.id)
        body = base64.b64decode(message.body, validate=True)
        content = _body_decoder.decode(body)
        if is_too_deep(body):
            raise ValueError(f"its arguments have more than {MAX_LEVELS} levels")
        if b"__type__" in body:
            content = _decode_types(body)
    except RecursionError as problem:
        raise ValueError("its JSON has too many levels") from problem
    embedded = content[2]
    if embedded and any(part is not None for part in embedded.values()):
        msgspec.convert(embedded, EmbeddedCanvas)
    return CheckedMessage(_json_decoder.decode(text), body, content)


def _decode_types(body: bytes) -> Content:
    """The body with the values that kombu writes with their types."""
    try:
        content: Content = loads(body)
    except Exception as problem:  # kombu's decoders raise anything
        raise ValueError(f"a value is not of its type: {problem}") from problem
    return content


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


def find_job_id(message: bytes) -> str:
    """The job of a message whose header can be read, else ""."""
    try:
        return check_id(msgspec.json.decode(message)["headers"]["id"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


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
