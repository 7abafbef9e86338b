"""How both clients send a request: what httpx gets, and what its errors mean."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypedDict

import httpx2

from continuo_client.calls import Calls
from continuo_client.requests import NO_ANSWER, Answer, Request

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
WHOLE_OR_PART = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
ERRNO = re.compile(r"^\[Errno -?\d+\] ")


class Sending(TypedDict):
    """The arguments of ``stream`` of both clients of httpx."""

    method: str
    url: str
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    content: bytes | None
    timeout: httpx2.Timeout
    follow_redirects: bool


def build_sending(calls: Calls, request: Request) -> Sending:
    """What httpx sends for a request."""
    return {
        "method": request.method,
        "url": calls.address_of(request),
        "params": request.query or None,
        "headers": calls.headers_of(request),
        "content": request.content,
        "timeout": httpx2.Timeout(ANSWER_SECONDS + request.wait, connect=CONNECT_SECONDS),
        "follow_redirects": request.sink is not None,
    }


def headers_from(response: httpx2.Response) -> dict[str, str]:
    """The headers of a response, their names in small letters."""
    return {name.lower(): value for name, value in response.headers.items()}


def is_download(request: Request, response: httpx2.Response) -> bool:
    """Whether the content goes to the sink of the request."""
    return request.sink is not None and response.status_code in WHOLE_OR_PART


def join_content(content: bytearray, chunk: bytes) -> None:
    """Append to the content of an answer. Raises ``ReadError`` when that is too much."""
    content += chunk
    if len(content) > MAX_ANSWER_BYTES:
        raise httpx2.ReadError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")


def answer_from_error(error: httpx2.RequestError) -> Answer:
    """The answer that stands for no answer, with why there is none."""
    cause = ERRNO.sub("", str(error)) or type(error).__name__
    return Answer(
        NO_ANSWER, fault=f"does not answer: {cause}", was_sent=not isinstance(error, UNSENT)
    )
