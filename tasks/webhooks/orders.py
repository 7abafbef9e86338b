"""What somebody wants called, checked before it becomes a job and again when it runs."""

import re
from typing import Annotated, Any, Literal

import msgspec

from project.errors import InvalidField
from tasks.webhooks import guard

MOST_BODY = 262_144
"""Bytes of the largest body."""

SHOWN = 40
"""Characters of a header's name that are repeated in the answer."""

type Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
type Seconds = Annotated[float, msgspec.Meta(ge=1, le=60)]
type Statuses = Annotated[
    list[Annotated[int, msgspec.Meta(ge=200, le=599)]], msgspec.Meta(max_length=20)
]

OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that say how the connection is used."""

NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
VALUE = "[\t -~]*"
LONGEST_VALUE = 4_096
_NAME = re.compile(NAME)
_VALUE = re.compile(VALUE)

VALUE_SCHEMA = {"pattern": f"^{VALUE}$", "maxLength": LONGEST_VALUE}
NAMES = {"propertyNames": {"pattern": f"^{NAME}$", "not": {"enum": sorted(OURS)}}}
type Value = Annotated[str, msgspec.Meta(extra_json_schema=VALUE_SCHEMA)]
type Headers = Annotated[dict[str, Value], msgspec.Meta(max_length=50, extra_json_schema=NAMES)]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One HTTP request, and the statuses that mean that it worked (none: any 2xx).

    ``body`` is sent as it is when it is a text, as JSON when it is another value, not at all
    when it is None. ``timeout`` is in seconds, for everything from the look-up of the name to
    the last byte.
    """

    url: str
    method: Method = "POST"
    headers: Headers = msgspec.field(default_factory=dict)
    body: Any = None
    timeout: Seconds = 10.0
    expect: Statuses = msgspec.field(default_factory=list)


def check(**said: Any) -> Call:
    """The call, its body as text, its headers with the type of that; again changes nothing.

    Raises ``InvalidField`` saying what is allowed, and never repeats a value.
    """
    try:
        call = msgspec.convert(said, Call)
    except msgspec.ValidationError as error:
        raise InvalidField("call", str(error)) from None
    guard.parse(call.url)
    check_headers(call.headers)
    text = text_of(call.body)
    return msgspec.structs.replace(call, body=text, headers=_typed(call, text))


def check_headers(headers: dict[str, str]) -> None:
    """Raise ``InvalidField`` for a header that cannot be sent, or is not the caller's to set."""
    seen: set[str] = set()
    for name, value in headers.items():
        field, known = f"headers.{name[:SHOWN]}", name.lower()
        if not _NAME.fullmatch(name):
            raise InvalidField(field, "is no name: 1 to 100 letters, digits, - and _")
        if known in OURS:
            raise InvalidField(field, f"cannot be set; the same goes for {', '.join(sorted(OURS))}")
        if known in seen:
            raise InvalidField(field, "is given twice")
        if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
            raise InvalidField(field, "must be ASCII in one line, at most 4096 characters")
        seen.add(known)


def text_of(body: Any) -> str | None:
    """The body as it is sent. Raises ``InvalidField`` when it is too large."""
    if body is None:
        return None
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    if len(text.encode(errors="replace")) > MOST_BODY:
        raise InvalidField("body", f"must be at most {MOST_BODY} bytes")
    return text


def _typed(call: Call, text: str | None) -> dict[str, str]:
    """The headers with a Content-Type if there is a body and they have none."""
    if text is None or any(name.lower() == "content-type" for name in call.headers):
        return call.headers
    plain = isinstance(call.body, str)
    return {
        "Content-Type": "text/plain; charset=utf-8" if plain else "application/json"
    } | call.headers
