"""Files that jobs make: kept once under the hash of their content, fetched by signed links.

A key is ``2026-11-25/<sha256>.pdf``. A retry or a second worker that makes the same
bytes finds them there and does nothing. A day is over for writers when it ends, and for
readers when the last link of that day has expired; then the janitor removes it whole, so
nobody ever keeps what somebody else is about to remove.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import quote

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from project.artifacts.storage import Bucket, Folder
from project.errors import ContinuoError, LinkExpired, LinkTampered
from project.settings.values import settings

SALT = "artifact"
SPARE_DAYS = 1
"""Days a file is kept beyond its last link: clocks differ, a download takes time."""

IS_PLAIN = re.compile(r"[ !#-\[\]-~]").fullmatch
"""A letter that may stand in a quoted name in a header."""

TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


class Artifact(NamedTuple):
    """What a link stands for: the key it is stored under, the name it is saved as."""

    key: str
    filename: str

    @property
    def content_type(self) -> str:
        """The media type, by the end of its name."""
        return TYPES.get(PurePosixPath(self.key).suffix, "application/octet-stream")

    @property
    def sha256(self) -> str:
        """The hash of the content, 64 hexadecimal digits."""
        return PurePosixPath(self.key).stem


class ArtifactGone(ContinuoError):
    """The link is good but the file is no longer kept."""


@contextmanager
def workshop() -> Iterator[Path]:
    """An empty folder to make a file in; it and what is left in it go at the end."""
    place = settings().data_dir / "workshop"
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def keep(file: Path, filename: str) -> Artifact:
    """Store a file of a workshop; whole and on disk when this returns, or not at all."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    key = f"{datetime.now(UTC).date()}/{digest}{PurePosixPath(filename).suffix}"
    artifact = Artifact(key, filename)
    shelf().keep(file, key, {"Content-Type": artifact.content_type, **disposition(filename)})
    return artifact


def described(artifact: Artifact, file: Path) -> dict[str, Any]:
    """What a job's result says about the ``file`` it has kept.

    ``download_url``, ``filename``, ``size`` in bytes, ``sha256``, ``content_type``, and
    ``expires_at``, the end of the link in seconds since 1970.
    """
    return {
        "download_url": link(artifact),
        "filename": artifact.filename,
        "size": file.stat().st_size,
        "sha256": artifact.sha256,
        "content_type": artifact.content_type,
        "expires_at": int(time.time()) + settings().link_seconds,
    }


def locate(artifact: Artifact, method: str = "GET") -> Path | str:
    """The local file, or the URL of a bucket that ``method`` works on for a few minutes.

    Raises ``ArtifactGone`` when there is no local file.
    """
    try:
        return shelf().locate(artifact.key, method)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def fetch(artifact: Artifact, most: int) -> bytes:
    """The first ``most`` bytes of the file. Raises ``ArtifactGone``."""
    try:
        return shelf().read(artifact.key, most)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def link(artifact: Artifact) -> str:
    """A URL that fetches the artifact for ``CONTINUO_LINK_SECONDS``."""
    return f"{settings().base_url}/artifacts/{signer().dumps(list(artifact))}"


def resolve(token: str) -> Artifact:
    """The artifact behind the last part of a link. Raises ``LinkTampered`` or ``LinkExpired``."""
    try:
        key, filename = signer().loads(token, max_age=settings().link_seconds)
    except SignatureExpired:
        raise LinkExpired("this link has expired: order the job again for a new one") from None
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None
    return Artifact(key, filename)


def disposition(filename: str) -> dict[str, str]:
    """The header that has a browser save the file under its name (RFC 6266)."""
    plain = "".join(letter if IS_PLAIN(letter) else "_" for letter in filename)
    value = f'attachment; filename="{plain}"'
    if plain != filename:
        value += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return {"Content-Disposition": value}


def remove_old() -> int:
    """Remove the days whose last link has expired; how many files went."""
    spare = timedelta(days=SPARE_DAYS + 1, seconds=settings().link_seconds)
    oldest = (datetime.now(UTC) - spare).date()
    return sum(shelf().remove(day) for day in shelf().days() if date.fromisoformat(day) < oldest)


def signer() -> URLSafeTimedSerializer:
    """Signs links with the newest secret of this installation; the others still open theirs."""
    return URLSafeTimedSerializer(settings().signing_keys[::-1], salt=SALT)


@lru_cache
def shelf() -> Folder | Bucket:
    """Where artifacts are kept, opened once per process."""
    url = settings().artifacts_url
    return Bucket(url) if url else Folder(settings().data_dir / "artifacts")
