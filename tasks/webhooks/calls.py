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
from tasks.webhooks import guard, wire
from tasks.webhooks.deadline import Deadline
from tasks.webhooks.guard import Target
from tasks.webhooks.hiding import hide, pieces
from tasks.webhooks.orders import Call
from tasks.webhooks.wire import Full, Wire

if TYPE_CHECKING:
    import socket

KEPT = 2_048
"""Characters of an answer's body that are kept."""

LOOKED_AT = 4 * KEPT
"""Characters that are looked through for secrets before."""

PIECE = 16_384

TOLD = ("content-type", "date", "etag", "retry-after", "server", "x-request-id")
"""Headers of an answer that are kept."""

LONGEST_HEADER = 200
MOST_PATIENCE = 3_600.0
"""Seconds: the longest ``Retry-After`` that is honoured in full."""

SUCCESS = range(200, 300)
PASSING = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses after which the same request may work later."""

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say that they have no body."""


class PutOff(TransientError):
    """The server wants to be asked later, ``after`` seconds from now; 0 when it does not say."""

    def __init__(self, words: str, after: float = 0.0) -> None:
        super().__init__(words)
        self.after = after


class Answer(NamedTuple):
    """What came back; ``body`` as text, whatever it is."""

    status: int
    headers: dict[str, str]
    body: str


def make(call: Call, job_id: str) -> dict[str, Any]:
    """Make a call that ``orders.check`` gave; what came back, without what was sent.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. Raises ``PutOff``
    and other ``TransientError`` when another attempt may work, ``PermanentError`` when the
    target may not be called, has no good certificate, or its answer is not what was expected.
    """
    target, started = guard.parse(call.url), monotonic()
    answer = shown(ask(call, target, job_id), call)
    judge(answer, call, target)
    return {**answer._asdict(), "seconds": round(monotonic() - started, 3)}


def ask(call: Call, target: Target, job_id: str) -> Answer:
    """Send the request and read the answer; errors of all kinds as ``make`` raises them.

    None of them is raised ``from`` its cause: that may repeat what the server said, which may
    repeat what we sent.
    """
    try:
        with closing(wire.dial(target, Deadline(call.timeout))) as line:
            line.send(request(call, target, job_id))
            return read(line, call.method)
    except ssl.SSLCertVerificationError as error:
        words = f"{target} has no good certificate: {error.verify_message}"
        raise PermanentError(words) from None
    except TimeoutError:
        raise TransientError(f"{target} took longer than {call.timeout:g} s") from None
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise TransientError(f"the connection to {target} failed: {words}") from None
    except (HTTPException, Full) as error:
        words = f"{target} does not answer in HTTP: {type(error).__name__}"
        raise TransientError(words) from None


def request(call: Call, target: Target, job_id: str) -> bytes:
    """The request as it goes over the wire."""
    body = (call.body or "").encode(errors="replace")
    ours = {
        "Host": target.authority,
        "User-Agent": "continuo",
        "Idempotency-Key": job_id,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body or call.method in WITH_BODY:
        ours["Content-Length"] = str(len(body))
    theirs = {name.lower() for name in call.headers}
    headers = {name: value for name, value in ours.items() if name.lower() not in theirs}
    lines = [f"{name}: {value}" for name, value in (headers | call.headers).items()]
    head = "\r\n".join([f"{call.method} {target.path} HTTP/1.1", *lines, "", ""])
    return head.encode("ascii") + body


def read(line: Wire, method: str) -> Answer:
    """The answer, as much of its body as ``wire.MOST_READ`` lets in."""
    with closing(HTTPResponse(cast("socket.socket", line), method=method)) as response:
        response.begin()
        headers = {name: response.getheader(name) for name in TOLD}
        body = read_body(response).decode(errors="replace")
        told = {name: value for name, value in headers.items() if value is not None}
        return Answer(response.status, told, body)


def read_body(response: HTTPResponse) -> bytes:
    """The body, or the start of one that is too large. Raises ``OSError`` when it breaks off."""
    body = bytearray()
    try:
        while piece := response.read1(PIECE):
            body += piece
    except Full:
        return bytes(body)
    if response.length:
        raise ConnectionResetError
    return bytes(body)


def shown(answer: Answer, call: Call) -> Answer:
    """The answer as it is kept: its first characters, and nothing of what was sent."""
    sent = pieces(call)
    headers = {name: hide(value, sent)[:LONGEST_HEADER] for name, value in answer.headers.items()}
    return Answer(answer.status, headers, hide(answer.body[:LOOKED_AT], sent)[:KEPT])


def judge(answer: Answer, call: Call, target: Target) -> None:
    """Raise ``PutOff`` or ``PermanentError`` for a status that was not expected."""
    if answer.status in (call.expect or SUCCESS):
        return
    words = f"{target} answered {answer.status}: {in_one_line(answer.body)}"
    if answer.status in PASSING:
        raise PutOff(words, patience(answer.headers.get("retry-after", "")))
    raise PermanentError(words)


def in_one_line(text: str) -> str:
    """The text for a log: nothing in it that breaks a line or moves a cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def patience(text: str) -> float:
    """The seconds that a ``Retry-After`` asks for, at most ``MOST_PATIENCE``; 0 for no sense."""
    if text.isdecimal():
        return min(float(text), MOST_PATIENCE)
    try:
        moment = parsedate_tz(text)
        seconds = mktime_tz(moment) - time() if moment else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MOST_PATIENCE)
