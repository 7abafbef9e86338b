"""Sends one HTTP/1.1 request over a new connection and interprets the response.

``http.client`` parses the response, after ``response_head`` has left out what it would refuse. It
accepts a connection to an address that ``guard`` has checked, which the installed HTTP clients do
not. Redirects are not followed, proxies are not used, and compressed bodies are not decompressed.
"""

import ssl
from contextlib import closing
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPException, HTTPResponse
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from project.errors import PermanentError, TransientError
from project.version import read_version
from tasks.webhooks import connection, guard
from tasks.webhooks.call_arguments import Call
from tasks.webhooks.connection import DeadlineSocket, ResponseTooLarge
from tasks.webhooks.deadline import Deadline
from tasks.webhooks.guard import CallTarget
from tasks.webhooks.redaction import collect_pieces, mask_pieces
from tasks.webhooks.response_head import FilteredStream

if TYPE_CHECKING:
    import socket

MAX_KEPT_CHARACTERS = 2_048
"""Characters of the body of a response that are stored."""

MAX_SCANNED_CHARACTERS = 4 * MAX_KEPT_CHARACTERS
"""Characters of the body that are searched for secrets before it is cut."""

BYTES_PER_READ = 16_384

KEPT_HEADERS = ("content-type", "date", "etag", "retry-after", "server", "x-request-id")
"""Headers of a response that are stored."""

MAX_HEADER_CHARACTERS = 200
MAX_RETRY_AFTER_SECONDS = 3_600.0
"""A longer ``Retry-After`` is cut to this."""

SUCCESS_STATUSES = range(200, 300)
TEMPORARY_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses after which the same request may succeed later."""

PAUSE_STATUSES = frozenset({429, 503})
"""Statuses with which a ``Retry-After`` is a pause that the host asks for."""

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Requests with these methods have a Content-Length even without a body."""


class RetryRequested(TransientError):
    """The request failed; try again in ``after`` seconds, 0 if the server does not say when.

    ``holds``: the server asks all its clients for that pause.
    """

    def __init__(self, message: str, after: float = 0.0, *, holds: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.holds = holds


class CallResponse(NamedTuple):
    """A response; ``body`` is decoded as UTF-8 with replacements."""

    status: int
    headers: dict[str, str]
    body: str


def make_call(call: Call, job_id: str) -> dict[str, Any]:
    """Send a call that ``check_call`` returned; return the response without what was sent.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. Raises
    ``RetryRequested`` and other ``TransientError`` when another attempt may succeed, and
    ``PermanentError`` when none will.
    """
    target, started = guard.parse_url(call.url), monotonic()
    response = redact_response(send_call(call, target, job_id), call)
    check_status(response, call, target)
    return {**response._asdict(), "seconds": round(monotonic() - started, 3)}


def send_call(call: Call, target: CallTarget, job_id: str) -> CallResponse:
    """Send the request and read the response. Raises ``TransientError`` and ``PermanentError``.

    No error has a cause (``from``): the cause may quote the server, which may repeat a secret
    that we sent.
    """
    try:
        with closing(connection.dial(target, Deadline(call.timeout))) as connected:
            connected.send(build_request(call, target, job_id))
            return read_response(connected, call.method)
    except ssl.SSLCertVerificationError as error:
        message = f"{target} has an invalid certificate: {error.verify_message}"
        raise PermanentError(message) from None
    except TimeoutError:
        raise TransientError(f"{target} took longer than {call.timeout:g} s") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TransientError(f"the connection to {target} failed: {reason}") from None
    except (HTTPException, ResponseTooLarge) as error:
        message = f"{target} did not send a valid HTTP response: {type(error).__name__}"
        raise TransientError(message) from None


def build_request(call: Call, target: CallTarget, job_id: str) -> bytes:
    """Build the bytes of the request; the headers of the call replace ours."""
    body = (call.body or "").encode(errors="replace")
    ours = {
        "Host": target.authority,
        "User-Agent": f"continuo/{read_version()}",
        "Idempotency-Key": job_id,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body or call.method in METHODS_WITH_BODY:
        ours["Content-Length"] = str(len(body))
    given = {name.lower() for name in call.headers}
    headers = {name: value for name, value in ours.items() if name.lower() not in given}
    lines = [f"{name}: {value}" for name, value in (headers | call.headers).items()]
    head = "\r\n".join([f"{call.method} {target.path} HTTP/1.1", *lines, "", ""])
    return head.encode("ascii") + body


def read_response(connected: DeadlineSocket, method: str) -> CallResponse:
    """Read the response, its body up to ``connection.MAX_READ_BYTES``."""
    filtered = FilteredStream(connected.makefile("rb"), frozenset(KEPT_HEADERS))
    with closing(HTTPResponse(cast("socket.socket", filtered), method=method)) as response:
        response.begin()
        values = {name: response.getheader(name) for name in KEPT_HEADERS}
        headers = {name: value for name, value in values.items() if value is not None}
        body = read_body(response).decode(errors="replace")
        return CallResponse(response.status, headers, body)


def read_body(response: HTTPResponse) -> bytes:
    """Read the body, cut if it is too large. Raises ``OSError`` if the server closes early."""
    body = bytearray()
    try:
        while piece := response.read1(BYTES_PER_READ):
            body += piece
    except ResponseTooLarge:
        return bytes(body)
    if response.length:
        raise ConnectionResetError
    return bytes(body)


def redact_response(response: CallResponse, call: Call) -> CallResponse:
    """Cut the response to what is stored, and mask everything in it that the call sent."""
    sent = collect_pieces(call)
    headers = {
        name: mask_pieces(value, sent)[:MAX_HEADER_CHARACTERS]
        for name, value in response.headers.items()
    }
    return CallResponse(
        response.status,
        headers,
        mask_pieces(response.body[:MAX_SCANNED_CHARACTERS], sent)[:MAX_KEPT_CHARACTERS],
    )


def check_status(response: CallResponse, call: Call, target: CallTarget) -> None:
    """Raise ``RetryRequested`` or ``PermanentError`` for an unexpected status."""
    if response.status in (call.expect or SUCCESS_STATUSES):
        return
    if response.status in TEMPORARY_STATUSES:
        raise retry_error_from(response, target)
    raise PermanentError(format_response(response, target))


def retry_error_from(response: CallResponse, target: CallTarget) -> RetryRequested:
    """Return the error that asks for another attempt, after the ``Retry-After`` if there is one."""
    after = parse_retry_after(response.headers.get("retry-after", ""))
    holds = after > 0 and response.status in PAUSE_STATUSES
    return RetryRequested(format_response(response, target), after, holds=holds)


def format_response(response: CallResponse, target: CallTarget) -> str:
    """Format a response as one line for an error message."""
    return f"{target} answered {response.status}: {replace_unprintable(response.body)}"


def replace_unprintable(text: str) -> str:
    """Replace line ends and control characters by spaces, for logs."""
    return "".join(character if character.isprintable() else " " for character in text)


def parse_retry_after(text: str) -> float:
    """Return the seconds of a ``Retry-After``, up to ``MAX_RETRY_AFTER_SECONDS``; 0 if invalid."""
    if text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_tz(text)
        seconds = mktime_tz(moment) - time() if moment else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
