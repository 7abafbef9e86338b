"""Selects the byte range of a file that answers a request (RFC 9110, sections 13 and 14)."""

import re
from http import HTTPStatus
from typing import Protocol

import msgspec

from api.http.etags import is_known
from api.http.problems import Problem
from project.artifacts import links
from project.artifacts.links import Artifact

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})").fullmatch
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Protects a browser that shows a page despite Content-Disposition."""


class HeaderReader(Protocol):
    """Reads a header of the request; "" when it was not sent."""

    def __call__(self, name: str, /) -> str:
        """Return the value."""


class RangeAnswer(msgspec.Struct, frozen=True):
    """An answer's status and headers, and the bytes of the file that are its body."""

    status: int
    headers: dict[str, str]
    start: int = 0
    length: int = 0


def select_range(artifact: Artifact, size: int, header: HeaderReader) -> RangeAnswer:
    """Select what answers a request for a file of ``size`` bytes.

    A request for several ranges gets the whole file, as the RFC allows. Raises ``Problem`` 416
    when the range starts after the end of the file.
    """
    tag = f'"{artifact.sha256[:32]}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=300",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _SANDBOX,
        **links.build_disposition(artifact.filename),
    }
    if is_known(tag, header("if-none-match")):
        return RangeAnswer(HTTPStatus.NOT_MODIFIED, headers)
    wanted = _RANGE(header("range")) if header("if-range") in ("", tag) else None
    if wanted is None or wanted.groups() == ("", ""):
        return RangeAnswer(HTTPStatus.OK, headers, 0, size)
    start, stop = _parse_span(wanted[1], wanted[2], size)
    if not start < stop:
        raise Problem(
            416, f"The file has {size} bytes", headers={"Content-Range": f"bytes */{size}"}
        )
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return RangeAnswer(HTTPStatus.PARTIAL_CONTENT, headers, start, stop - start)


def _parse_span(first: str, last: str, size: int) -> tuple[int, int]:
    """Return first byte and end (exclusive); without ``first``, the last ``last`` bytes."""
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size
