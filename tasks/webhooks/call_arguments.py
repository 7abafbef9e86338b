"""The arguments of a call, checked when the job is enqueued and again when it runs."""

import re
from typing import Annotated, Any, Literal

import msgspec

from project.errors import InvalidField
from tasks.webhooks import guard

MAX_BODY_BYTES = 262_144
MAX_SHOWN_CHARACTERS = 40
"""Characters of the name of a header that an error repeats."""

type CallUrl = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri"})]
type Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
type TimeoutSeconds = Annotated[float, msgspec.Meta(ge=1, le=60)]
type Statuses = Annotated[
    list[Annotated[int, msgspec.Meta(ge=200, le=599)]], msgspec.Meta(max_length=20)
]

RESERVED_HEADERS = frozenset(
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
"""Headers that control the connection; a call cannot set them."""

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
VALUE_PATTERN = "[\t -~]*"
MAX_VALUE_CHARACTERS = 4_096
_encode_number_by_number = msgspec.json.Encoder(decimal_format="number").encode
_NAME = re.compile(NAME_PATTERN)
_VALUE = re.compile(VALUE_PATTERN)

VALUE_SCHEMA = {"pattern": f"^{VALUE_PATTERN}$", "maxLength": MAX_VALUE_CHARACTERS}
NAMES_SCHEMA = {
    "propertyNames": {"pattern": f"^{NAME_PATTERN}$", "not": {"enum": sorted(RESERVED_HEADERS)}}
}
type HeaderValue = Annotated[str, msgspec.Meta(extra_json_schema=VALUE_SCHEMA)]
type CallHeaders = Annotated[
    dict[str, HeaderValue], msgspec.Meta(max_length=50, extra_json_schema=NAMES_SCHEMA)
]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One HTTP request. ``expect`` lists the statuses of a success; empty means any 2xx.

    A text ``body`` is sent as it is, another value as JSON, None as no body. ``timeout`` is in
    seconds and covers everything from the look-up of the name to the last byte.
    """

    url: str
    method: Method = "POST"
    headers: CallHeaders = msgspec.field(default_factory=dict)
    body: Any = None
    timeout: TimeoutSeconds = 10.0
    expect: Statuses = msgspec.field(default_factory=list)


def check_call(**arguments: Any) -> Call:
    """Return the call with its body as text and a Content-Type; checking again changes nothing.

    Raises ``InvalidField``, which says what is allowed and never repeats a value.
    """
    try:
        call = msgspec.convert(arguments, Call)
    except msgspec.ValidationError as error:
        raise InvalidField("call", str(error)) from None
    guard.parse_url(call.url)
    check_headers(call.headers)
    text = encode_body(call.body)
    return msgspec.structs.replace(call, body=text, headers=_add_content_type(call, text))


def check_headers(headers: dict[str, str]) -> None:
    """Raise ``InvalidField`` for a header that is malformed, duplicate or reserved."""
    seen: set[str] = set()
    for name, value in headers.items():
        field, known = f"headers.{name[:MAX_SHOWN_CHARACTERS]}", name.lower()
        if not _NAME.fullmatch(name):
            raise InvalidField(field, "is not a valid name: use 1 to 100 letters, digits, - and _")
        if known in RESERVED_HEADERS:
            raise InvalidField(
                field, f"cannot be set, nor any of {', '.join(sorted(RESERVED_HEADERS))}"
            )
        if known in seen:
            raise InvalidField(field, "is given twice; names of headers ignore case")
        if len(value) > MAX_VALUE_CHARACTERS or not _VALUE.fullmatch(value):
            raise InvalidField(
                field, f"must be ASCII in one line, at most {MAX_VALUE_CHARACTERS} characters"
            )
        seen.add(known)


def encode_body(body: Any) -> str | None:
    """Return the body as text. Raises ``InvalidField`` when it is too large."""
    if body is None:
        return None
    text = body if isinstance(body, str) else _encode_number_by_number(body).decode()
    if len(text.encode(errors="replace")) > MAX_BODY_BYTES:
        raise InvalidField("body", f"must be at most {MAX_BODY_BYTES} bytes")
    return text


def _add_content_type(call: Call, text: str | None) -> dict[str, str]:
    """Return the headers, with a Content-Type if there is a body and they have none."""
    if text is None or any(name.lower() == "content-type" for name in call.headers):
        return call.headers
    is_text = isinstance(call.body, str)
    content_type = "text/plain; charset=utf-8" if is_text else "application/json"
    return {"Content-Type": content_type} | call.headers
