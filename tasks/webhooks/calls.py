"""A call: one HTTP/1.1 request over a connection of its own, and what its answer means.

The standard library's ``http.client`` reads the answer; nothing installed for running speaks
HTTP over a connection that is already there, and that is what the guard needs. Redirects are
not followed, proxies not used, nothing is unpacked.
"""

import ssl
from contextlib import closing
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPException, HTTPResponse
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from project.errors import PermanentError, TransientError
from tasks.webhooks import connection, guard
from tasks.webhooks.call_arguments import Call
from tasks.webhooks.connection import DeadlineSocket, ResponseTooLarge
from tasks.webhooks.deadline import Deadline
from tasks.webhooks.guard import CallTarget
from tasks.webhooks.redaction import collect_pieces, mask_pieces

if TYPE_CHECKING:
    import socket

MAX_KEPT_CHARACTERS = 2_048
"""Characters of an answer's body that are kept."""

MAX_SCANNED_CHARACTERS = 4 * MAX_KEPT_CHARACTERS
"""Characters that are looked through for secrets before."""

BYTES_PER_READ = 16_384

KEPT_HEADERS = ("content-type", "date", "etag", "retry-after", "server", "x-request-id")
"""Headers of an answer that are kept."""

MAX_HEADER_CHARACTERS = 200
MAX_RETRY_AFTER_SECONDS = 3_600.0
"""Seconds: the longest ``Retry-After`` that is honoured in full."""

SUCCESS_STATUSES = range(200, 300)
TEMPORARY_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses after which the same request may work later."""

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say that they have no body."""


class RetryRequested(TransientError):
    """The server wants to be asked later, ``after`` seconds from now; 0 when it does not say."""

    def __init__(self, words: str, after: float = 0.0) -> None:
        super().__init__(words)
        self.after = after


class CallResponse(NamedTuple):
    """What came back; ``body`` as text, whatever it is."""

    status: int
    headers: dict[str, str]
    body: str


def make_call(call: Call, job_id: str) -> dict[str, Any]:
    """Make a call that ``orders.check`` gave; what came back, without what was sent.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. Raises
    ``RetryRequested`` and other ``TransientError`` when another attempt may work,
    ``PermanentError`` when the
    """
    target, started = guard.parse_url(call.url), monotonic()
    answer = redact_response(send_call(call, target, job_id), call)
    check_status(answer, call, target)
    return {**answer._asdict(), "seconds": round(monotonic() - started, 3)}


def send_call(call: Call, target: CallTarget, job_id: str) -> CallResponse:
    """Send the request and read the answer; errors of all kinds as ``make_call`` raises them.

    None of them is raised ``from`` its cause: that may repeat what the server said, which may
    repeat what we sent.
    """
    try:
        with closing(connection.dial(target, Deadline(call.timeout))) as line:
            line.send(build_request(call, target, job_id))
            return read_response(line, call.method)
    except ssl.SSLCertVerificationError as error:
        words = f"{target} has no good certificate: {error.verify_message}"
        raise PermanentError(words) from None
    except TimeoutError:
        raise TransientError(f"{target} took longer than {call.timeout:g} s") from None
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise TransientError(f"the connection to {target} failed: {words}") from None
    except (HTTPException, ResponseTooLarge) as error:
        words = f"{target} does not answer in HTTP: {type(error).__name__}"
        raise TransientError(words) from None


def build_request(call: Call, target: CallTarget, job_id: str) -> bytes:
    """The request as it goes over the wire."""
    body = (call.body or "").encode(errors="replace")
    ours = {
        "Host": target.authority,
        "User-Agent": "continuo",
        "Idempotency-Key": job_id,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body or call.method in METHODS_WITH_BODY:
        ours["Content-Length"] = str(len(body))
    theirs = {name.lower() for name in call.headers}
    headers = {name: value for name, value in ours.items() if name.lower() not in theirs}
    lines = [f"{name}: {value}" for name, value in (headers | call.headers).items()]
    head = "\r\n".join([f"{call.method} {target.path} HTTP/1.1", *lines, "", ""])
    return head.encode("ascii") + body


def read_response(line: DeadlineSocket, method: str) -> CallResponse:
    """The answer, as much of its body as ``connection.MOST_READ`` lets in."""
    with closing(HTTPResponse(cast("socket.socket", line), method=method)) as response:
        response.begin()
        headers = {name: response.getheader(name) for name in KEPT_HEADERS}
        body = read_body(response).decode(errors="replace")
        told = {name: value for name, value in headers.items() if value is not None}
        return CallResponse(response.status, told, body)


def read_body(response: HTTPResponse) -> bytes:
    """The body, or the start of one that is too large. Raises ``OSError`` when it breaks off."""
    body = bytearray()
    try:
        while piece := response.read1(BYTES_PER_READ):
            body += piece
    except ResponseTooLarge:
        return bytes(body)
    if response.length:
        raise ConnectionResetError
    return bytes(body)


def redact_response(answer: CallResponse, call: Call) -> CallResponse:
    """The answer as it is kept: its first characters, and nothing of what was sent."""
    sent = collect_pieces(call)
    headers = {
        name: mask_pieces(value, sent)[:MAX_HEADER_CHARACTERS]
        for name, value in answer.headers.items()
    }
    return CallResponse(
        answer.status,
        headers,
        mask_pieces(answer.body[:MAX_SCANNED_CHARACTERS], sent)[:MAX_KEPT_CHARACTERS],
    )


def check_status(answer: CallResponse, call: Call, target: CallTarget) -> None:
    """Raise ``RetryRequested`` or ``PermanentError`` for a status that was not expected."""
    if answer.status in (call.expect or SUCCESS_STATUSES):
        return
    words = f"{target} answered {answer.status}: {replace_unprintable(answer.body)}"
    if answer.status in TEMPORARY_STATUSES:
        raise RetryRequested(words, parse_retry_after(answer.headers.get("retry-after", "")))
    raise PermanentError(words)


def replace_unprintable(text: str) -> str:
    """The text for a log: nothing in it that breaks a line or moves a cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def parse_retry_after(text: str) -> float:
    """The seconds of a ``Retry-After``, at most ``MAX_RETRY_AFTER_SECONDS``; 0 when invalid."""
    if text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_tz(text)
        seconds = mktime_tz(moment) - time() if moment else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
