"""What a worker takes for a job: Celery's message, protocol 2, in JSON, checked before it is run.

Anybody may write to a queue. Celery trusts what it finds there, and a worker that
meets a header of the wrong type ends; here such a message is told apart first.
"""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from project.messages.nesting import is_too_deep

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
TimeLimitSeconds = Annotated[float, msgspec.Meta(ge=0)]


class MessageHeaders(msgspec.Struct):
    """Those that a worker acts on."""

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
    """How the body is written, and where it came from."""

    delivery_info: dict[str, Any]
    body_encoding: Literal["base64"]


class WireMessage(msgspec.Struct):
    """A message in a Redis list."""

    body: str
    headers: MessageHeaders
    properties: MessageProperties
    content_type: Literal["application/json"] = msgspec.field(name="content-type")


_message_decoder = msgspec.json.Decoder(WireMessage)
_body_decoder = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], dict[str, Any] | None])
_json_decoder = msgspec.json.Decoder()


def parse_message(text: bytes) -> dict[str, Any] | None:
    """The message as kombu wants it, or None when a worker could not run it."""
    try:
        body = base64.b64decode(_message_decoder.decode(text).body, validate=True)
        _body_decoder.decode(body)
    except (ValueError, RecursionError):
        return None
    if is_too_deep(body):
        return None
    message: dict[str, Any] = _json_decoder.decode(text)
    return message
