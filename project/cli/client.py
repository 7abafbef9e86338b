"""The HTTP client of the command: one request at a time, repeated when the connection is lost."""

import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from time import monotonic, sleep
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import msgspec

from project.cli.outcomes import ApiRefused, ApiUnreachable
from project.version import read_version

ANSWER_SECONDS = 10.0
MIN_ANSWER_SECONDS = 1.0
REPEAT_SECONDS = 30.0
"""The time, in addition to a wait that was asked for, in which a request is repeated."""

PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""The pauses before a request is repeated: one for each repetition."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
NO_ANSWER = 0
PASSING = frozenset({NO_ANSWER, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
ENCODER = msgspec.json.Encoder(decimal_format="number")


class ApiRequest(NamedTuple):
    """A request; ``seconds`` is how long the API may hold the answer."""

    method: str
    path: str
    content: bytes | None
    headers: dict[str, str]
    seconds: float = 0.0


class ApiAnswer(NamedTuple):
    """An answer: its status, its body, and the seconds after which to ask again.

    ``status`` is ``NO_ANSWER`` when the connection was lost; ``fault`` says why.
    """

    status: int
    content: bytes
    retry_after: float
    fault: str = "is busy"

    def parse(self) -> Any:
        """The JSON in it. Raises ``ApiUnreachable`` when it is something else."""
        try:
            return msgspec.json.decode(self.content)
        except msgspec.DecodeError as error:
            raise ApiUnreachable(
                f"the answer {self.status} is not JSON: is this the API?"
            ) from error


class ProblemDocument(msgspec.Struct):
    """What every error of the API has."""

    status: int
    title: str
    detail: str
    errors: list[dict[str, Any]] = []


class ApiClient:
    """Talks to the API at ``url``, with ``key`` unless it is empty.

    Each method raises ``ApiRefused`` for an error that the API answers, and ``ApiUnreachable`` when
    it does not answer in time.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        self._address = urlsplit(url)
        self._headers = {"User-Agent": f"continuo/{read_version()}", "Accept": "*/*"}
        if key:
            self._headers["X-API-Key"] = key

    def get(self, *parts: str, query: Mapping[str, Any] | None = None, wait: float = 0.0) -> Any:
        """GET a path. ``wait``: seconds, at most 25, that the API waits for the end of a job."""
        chosen = {name: value for name, value in (query or {}).items() if value is not None}
        path = build_path(parts) + (f"?{urlencode(chosen)}" if chosen else "")
        headers = {"Prefer": f"wait={wait:.0f}"} if wait else {}
        return self.send(ApiRequest("GET", path, None, headers, wait)).parse()

    def post(self, *parts: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST a body under a new idempotency key, so a repeated request acts once."""
        headers, content = {"Idempotency-Key": str(uuid4())}, None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = ENCODER.encode(body)
        return self.send(ApiRequest("POST", build_path(parts), content, headers)).parse()

    def send(self, request: ApiRequest) -> ApiAnswer:
        """Send a request, again when the connection is lost or the API is busy."""
        end = monotonic() + REPEAT_SECONDS + request.seconds
        for pause in PAUSES_SECONDS:
            outcome = self._try(request, end - monotonic())
            delay = max(pause, outcome.retry_after)
            if outcome.status not in PASSING or monotonic() + delay >= end:
                break
            if pause == PAUSES_SECONDS[0]:
                sys.stderr.write(f"continuo: {self.url} {outcome.fault}; trying again\n")
            sleep(delay)
        else:
            outcome = self._try(request, end - monotonic())
        if outcome.status == NO_ANSWER:
            raise ApiUnreachable(f"{self.url} {outcome.fault}")
        return require_success(outcome)

    def _try(self, request: ApiRequest, left: float) -> ApiAnswer:
        try:
            return self._exchange(request, left)
        except (OSError, HTTPException) as error:
            return ApiAnswer(NO_ANSWER, b"", 0.0, f"does not answer: {describe_fault(error)}")

    def _exchange(self, request: ApiRequest, left: float) -> ApiAnswer:
        is_tls = self._address.scheme == "https"
        connect = HTTPSConnection if is_tls else HTTPConnection
        seconds = max(min(ANSWER_SECONDS + request.seconds, left), MIN_ANSWER_SECONDS)
        connection = connect(self._address.hostname or "", self._address.port, timeout=seconds)
        try:
            path = self._address.path.rstrip("/") + request.path
            headers = self._headers | request.headers
            connection.request(request.method, path, request.content, headers)
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES)
            if answer.length:
                raise IncompleteRead(content, answer.length)
            return ApiAnswer(answer.status, content, parse_delay(answer.headers["Retry-After"]))
        finally:
            connection.close()


def describe_fault(error: Exception) -> str:
    """Why there was no answer, in one line."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()


def build_path(parts: tuple[str, ...]) -> str:
    """The path: the first part as it is, then each part as one segment."""
    return "/".join([parts[0], *(quote(part, safe="") for part in parts[1:])])


def parse_delay(text: str | None) -> float:
    """The seconds in ``Retry-After``, 0 for none."""
    return float(text) if text and text.isdecimal() else 0.0


def require_success(answer: ApiAnswer) -> ApiAnswer:
    """Return an answer of 2xx. Raises ``ApiRefused`` for others."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
        msgspec.convert(problem, ProblemDocument)
    except msgspec.DecodeError:
        detail = "the answer is no problem document: is this the API?"
        problem = {"status": answer.status, "title": "Not the API", "detail": detail}
    raise ApiRefused(problem)
