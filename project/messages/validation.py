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
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Headers(msgspec.Struct):
    """Those that a worker acts on."""

    id: str
    task: str
    retries: Count = 0
    eta: datetime | None = None
    expires: datetime | None = None
    timelimit: tuple[Seconds | None, Seconds | None] | None = None
    root_id: str | None = None
    parent_id: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    max_attempts: Count | None = None
    revival: str | None = None


class Properties(msgspec.Struct):
    """How the body is written, and where it came from."""

    delivery_info: dict[str, Any]
    body_encoding: Literal["base64"]


class Wire(msgspec.Struct):
    """A message in a Redis list."""

    body: str
    headers: Headers
    properties: Properties
    content_type: Literal["application/json"] = msgspec.field(name="content-type")


_wire = msgspec.json.Decoder(Wire)
_body = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], dict[str, Any] | None])
_plain = msgspec.json.Decoder()


def readable(text: bytes) -> dict[str, Any] | None:
    """The message as kombu wants it, or None when a worker could not run it."""
    try:
        body = base64.b64decode(_wire.decode(text).body, validate=True)
        _body.decode(body)
    except (ValueError, RecursionError):
        return None
    if is_too_deep(body):
        return None
    message: dict[str, Any] = _plain.decode(text)
    return message
