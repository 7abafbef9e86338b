"""Files to disk: into a part file beside, which a later attempt or a later process continues."""

import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import BinaryIO
from urllib.parse import urlsplit

from continuo_client.errors import Unreachable
from continuo_client.requests import (
    MAX_PAUSE_SECONDS,
    MIN_PAUSE_SECONDS,
    PASSING,
    Request,
    Steps,
    require_success,
)

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})").fullmatch


class PartFile:
    """``NAME.part`` and, in ``NAME.part.etag``, which content it is a part of.

    It becomes ``NAME`` when it is whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.tag_file = path.with_name(f"{path.name}.part.etag")
        self.total: int | None = None

    @property
    def size(self) -> int:
        """The bytes that are there."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def tag(self) -> str:
        """The ETag of the content, "" when it is not known."""
        return self.tag_file.read_text() if self.tag_file.exists() else ""

    @property
    def is_whole(self) -> bool:
        """Whether all bytes that were announced are there."""
        return self.part.exists() and self.total in (None, self.size)

    def build_headers(self) -> dict[str, str]:
        """The headers that ask for the rest of the same content, or for all of it."""
        headers = {"Accept-Encoding": "identity"}
        if self.size and self.tag:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": self.tag}
        return headers

    def open(self, status: int, headers: Mapping[str, str]) -> BinaryIO:
        """Open the part: to append when the answer continues it, else empty.

        An answer with another part than was asked for is thrown away, and so is the part.
        """
        tag = headers.get("etag", "")
        if status != HTTPStatus.PARTIAL_CONTENT:
            length = headers.get("content-length", "")
            self.total = int(length) if length.isdecimal() else None
            self.tag_file.write_text("" if tag.startswith("W/") else tag)
            return self.part.open("wb")
        told = CONTENT_RANGE(headers.get("content-range", ""))
        if told is None or int(told[1]) != self.size or tag != self.tag:
            self.drop()
            return Path(os.devnull).open("wb")
        self.total = int(told[2])
        return self.part.open("ab")

    def finish(self) -> Path:
        """Give the whole file its name."""
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        self.part.replace(self.path)
        self.tag_file.unlink(missing_ok=True)
        return self.path

    def drop(self) -> None:
        """Forget the part."""
        self.part.unlink(missing_ok=True)
        self.tag_file.unlink(missing_ok=True)


def download(link: str, path: Path, seconds: float) -> Steps[Path]:
    """Download a file, and continue after each lost connection.

    Raises ``Unreachable`` when nothing has come for ``seconds``, ``Refused``, and ``ValueError``
    for what is no link.
    """
    if urlsplit(link).scheme not in {"http", "https"}:
        raise ValueError("a link begins with http:// or https://")
    part = PartFile(path)
    size, delay, end = part.size, 0.0, monotonic() + seconds
    while True:
        answer = yield Request("GET", link, headers=part.build_headers(), delay=delay, sink=part)
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.drop()
        elif answer.status not in PASSING and require_success(answer) and part.is_whole:
            return part.finish()
        if part.size > size:
            size, delay, end = part.size, 0.0, monotonic() + seconds
        delay = max(min(delay * 2, MAX_PAUSE_SECONDS), MIN_PAUSE_SECONDS, answer.retry_after)
        if monotonic() + delay >= end:
            raise Unreachable(f"got {part.size} bytes of {path.name}; the server {answer.fault}")
