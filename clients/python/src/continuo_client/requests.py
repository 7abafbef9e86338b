"""Requests and answers without a network, and when a request is repeated.

What the client does with the API is a generator: it yields a ``Request`` and gets the ``Answer``.
``Client`` and ``AsyncClient`` send what it yields, so both do the same.
"""

import logging
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from time import monotonic
from typing import Any, BinaryIO, Protocol, TypeAlias, TypeVar

import msgspec

from continuo_client.errors import NotTheApi, Unreachable, refusal_from

T = TypeVar("T")

log = logging.getLogger("continuo_client")

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.2, 5.0
"""The pause before a request is repeated: it doubles from the first to the second."""

NO_ANSWER = 0
PASSING = frozenset(
    {
        NO_ANSWER,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""The answers after which a request is repeated."""


class Sink(Protocol):
    """Takes the content of a download."""

    def open(self, status: int, headers: Mapping[str, str]) -> BinaryIO:
        """The file for the content of an answer; the names of its headers are in small letters."""
        ...


@dataclass(frozen=True)
class Request:
    """A request.

    ``path`` is below the URL of the API, or a whole URL, which gets no API key. ``wait`` is how
    long the API may hold the answer, ``delay`` the pause before the request, in seconds.
    ``is_safe``: it acts once, however often it arrives. ``sink`` takes the content of an answer 200
    or 206; such a request follows redirects.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    wait: float = 0.0
    delay: float = 0.0
    is_safe: bool = True
    sink: Sink | None = None


@dataclass(frozen=True)
class Answer:
    """An answer; ``status`` is ``NO_ANSWER`` when there is none, and ``fault`` says why.

    The names of the headers are in small letters. ``was_sent``: the request may have arrived.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    fault: str = "is busy"
    was_sent: bool = True

    @property
    def retry_after(self) -> float:
        """The seconds after which to ask again, 0 for none."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else 0.0

    def parse(self) -> Any:
        """The JSON in it. Raises ``NotTheApi`` when it is something else."""
        try:
            return msgspec.json.decode(self.content)
        except msgspec.DecodeError as error:
            raise NotTheApi(f"the answer {self.status} is not JSON: is this the API?") from error


Steps: TypeAlias = Generator[Request, Answer, T]
"""Yields requests, gets their answers, and returns a ``T``."""


def send(request: Request, seconds: float) -> Steps[Answer]:
    """The answer 2xx to a request, which is repeated for ``seconds`` when none comes.

    Raises ``Refused`` and ``Unreachable``.
    """
    end, pause, may_have_acted = monotonic() + seconds + request.wait, MIN_PAUSE_SECONDS, False
    while True:
        answer = yield request
        may_have_acted |= answer.status == NO_ANSWER and answer.was_sent
        delay = max(pause * random.uniform(0.5, 1.0), answer.retry_after)  # noqa: S311 - no secret
        if not can_repeat(request, answer) or monotonic() + delay >= end:
            return require_success(answer, may_have_acted=may_have_acted)
        log.info("the API %s; trying again", answer.fault)
        request = replace(request, delay=delay)
        pause = min(pause * 2, MAX_PAUSE_SECONDS)


def can_repeat(request: Request, answer: Answer) -> bool:
    """Whether a repetition may help and does nothing twice."""
    if answer.status not in PASSING:
        return False
    was_refused = answer.status == HTTPStatus.TOO_MANY_REQUESTS or not answer.was_sent
    return request.is_safe or was_refused


def require_success(answer: Answer, *, may_have_acted: bool = False) -> Answer:
    """Return an answer of 2xx. Raises ``Refused``, ``NotTheApi`` or ``Unreachable``."""
    if answer.status == NO_ANSWER:
        raise Unreachable(f"the API {answer.fault}", may_have_acted=may_have_acted)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
        error = refusal_from(problem)
    except (msgspec.DecodeError, KeyError, TypeError):
        text = f"the answer {answer.status} is no problem document: is this the API?"
        raise NotTheApi(text, may_have_acted=may_have_acted) from None
    raise error
