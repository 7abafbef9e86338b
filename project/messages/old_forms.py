"""Messages in forms that only plain Celery clients send: protocol 1, and compressed bodies."""

import base64
import bz2
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A compressed body that is longer cannot be read."""


def convert(text: bytes) -> bytes | None:
    """A message in one of these forms as one of protocol 2 without compression, else None.

    Raises ``ValueError`` when its body cannot be read.
    """
    message = msgspec.json.decode(text)
    headers = message.get("headers") if isinstance(message, dict) else None
    if not isinstance(headers, dict) or not isinstance(message.get("body"), str):
        return None
    compression = headers.pop("compression", None)
    if compression is None and "task" in headers:
        return None
    body = decompress(base64.b64decode(message["body"], validate=True), compression)
    if "task" not in headers:
        headers, body = convert_protocol_1(body)
    encoded = base64.b64encode(body).decode()
    return msgspec.json.encode(message | {"headers": headers, "body": encoded})


def decompress(body: bytes, compression: Any) -> bytes:
    """The body as it was before compression. Raises ``ValueError``."""
    if compression is None:
        return body
    expand = EXPANDERS.get(compression)
    if expand is None:
        raise ValueError(f"unknown compression {compression!r}")
    try:
        expanded = expand(body)
    except (zlib.error, OSError) as problem:
        raise ValueError(f"the body cannot be decompressed: {problem}") from problem
    if len(expanded) > MAX_BODY_BYTES:
        raise ValueError(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return expanded


EXPANDERS: dict[str, Callable[[bytes], bytes]] = {
    "application/x-gzip": lambda body: zlib.decompressobj().decompress(body, MAX_BODY_BYTES + 1),
    "application/x-bz2": lambda body: bz2.BZ2Decompressor().decompress(body, MAX_BODY_BYTES + 1),
}
"""kombu's names of the formats; what it calls gzip is zlib's."""


def convert_protocol_1(body: bytes) -> tuple[dict[str, Any], bytes]:
    """The headers and the body of protocol 2 for a body of protocol 1. Raises ``ValueError``."""
    call = msgspec.json.decode(body, type=dict[str, Any])
    same = ("id", "task", "retries", "eta", "expires", "timelimit")
    headers = {name: call[name] for name in same if call.get(name) is not None}
    headers |= {"lang": "py", "group": call.get("taskset"), "root_id": call["id"]}
    embedded = {name: call.get(name) for name in ("callbacks", "errbacks", "chord")}
    parts = [call.get("args") or [], call.get("kwargs") or {}, embedded | {"chain": None}]
    return headers, msgspec.json.encode(parts)
