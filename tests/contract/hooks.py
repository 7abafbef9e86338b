"""Valid values that the schema cannot express; loaded by schemathesis in its environment."""

import base64
import json
import os
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

KNOWN_VALUES: dict[str, list[str]] = json.loads(os.environ["CONTRACT_KNOWN"])
"""Ids of existing resources by the name of their path parameter."""

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,20}(\.[a-z][a-z0-9]{0,20}){0,3}", fullmatch=True)
PATHS = st.from_regex(r"(/[A-Za-z0-9._~%-]{0,20}){0,4}(\?[A-Za-z0-9=&_-]{0,40})?", fullmatch=True)
PORTS = st.sampled_from(["", ":443", ":8443"])


def encode_cursor(created_at: float, job_id: str) -> str:
    """A cursor for this position in a list."""
    return base64.urlsafe_b64encode(f"{created_at!r} {job_id}".encode()).decode().rstrip("=")


URLS = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), NAMES, PORTS, PATHS)
schemathesis.openapi.format("uri", URLS)
schemathesis.openapi.format(
    "cursor", st.just("") | st.builds(encode_cursor, st.floats(0, 1e10), st.uuids().map(str))
)
schemathesis.openapi.format("csv", st.just("email\nada@example.com\n"))
schemathesis.openapi.format("download-link", st.just(KNOWN_VALUES["link"][0]))
schemathesis.openapi.format("locale", st.sampled_from(["de", "de-CH", "en_US", "ja"]))
schemathesis.openapi.format("currency", st.sampled_from(["CHF", "EUR", "JPY"]))
schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Berlin"]))
schemathesis.openapi.format("email", st.builds("{}@{}.com".format, NAMES, NAMES))
schemathesis.openapi.format(
    "line", st.from_regex(r"[ -~\u00a1-\u00ac\u0391-\u03a1]+", fullmatch=True)
)


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Reject bodies that are valid although the schema cannot tell.

    Two headers that differ only in case are invalid, which a schema cannot express. A value that
    ends in ``*`` is generated to violate a pattern, but the pattern allows it.
    """
    headers = body.get("headers") if isinstance(body, dict) else None
    if not isinstance(headers, dict):
        return True
    names = [name.lower() for name in headers]
    is_free = len(names) == len(set(names)) and not {"host", "te"} & set(names)
    return is_free and not any(str(value).endswith("*") for value in headers.values())


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Reject queries that are not invalid: an empty cursor is the start, a list counts once."""
    values = query if isinstance(query, dict) else {}
    return values.get("cursor") != "" and not any(isinstance(v, list) for v in values.values())


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Give every new order a new idempotency key."""
    headers = case.headers or {}
    if case.meta and case.meta.generation.mode.is_negative:
        return
    if headers.get("Idempotency-Key") is not None:
        headers["Idempotency-Key"] = uuid4().hex
    if headers.get("Last-Event-ID") is not None:
        headers["Last-Event-ID"] = "1-1"


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, str]) -> dict[str, str]:
    """Use an existing resource in every second case."""
    for name, value in (path_parameters or {}).items():
        known = KNOWN_VALUES.get(f"{context.operation.path} {name}", KNOWN_VALUES.get(name, []))
        if known and sum(map(ord, str(value))) % 2:
            path_parameters[name] = known[sum(map(ord, str(value))) % len(known)]
    return path_parameters


@schemathesis.check
def known_headers(context: Any, response: Any, case: Any) -> None:
    """Check that an answer has only documented headers and those of every answer."""
    responses = case.operation.definition.raw["responses"]
    described = responses.get(str(response.status_code))
    if described is None or case.method != case.operation.method.upper():
        return
    while "$ref" in described:
        described = case.operation.schema.raw_schema["components"]["responses"][
            described["$ref"].rpartition("/")[2]
        ]
    allowed = {name.lower() for name in described.get("headers", {})} | COMMON_HEADERS
    unknown = {name.lower() for name in response.headers} - allowed
    if unknown:
        raise AssertionError(f"not described: {', '.join(sorted(unknown))}")


COMMON_HEADERS = {
    "cache-control",
    "connection",
    "content-security-policy",
    "content-length",
    "content-type",
    "date",
    "referrer-policy",
    "x-content-type-options",
}
