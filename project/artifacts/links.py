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
from project.settings.values import get_settings

SALT = "artifact"
SPARE_DAYS = 1
"""Days a file is kept beyond its last link: clocks differ, a download takes time."""

IS_QUOTABLE = re.compile(r"[ !#-\[\]-~]").fullmatch
"""A letter that may stand in a quoted name in a header."""

CONTENT_TYPES = {
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
        return CONTENT_TYPES.get(PurePosixPath(self.key).suffix, "application/octet-stream")

    @property
    def sha256(self) -> str:
        """The hash of the content, 64 hexadecimal digits."""
        return PurePosixPath(self.key).stem


class ArtifactGone(ContinuoError):
    """The link is good but the file is no longer kept."""


@contextmanager
def open_workshop() -> Iterator[Path]:
    """An empty folder to make a file in; it and what is left in it go at the end."""
    place = get_settings().data_dir / "workshop"
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def store_artifact(file: Path, filename: str) -> Artifact:
    """Store a file of a workshop; whole and on disk when this returns, or not at all."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    key = f"{datetime.now(UTC).date()}/{digest}{PurePosixPath(filename).suffix}"
    artifact = Artifact(key, filename)
    open_storage().keep(
        file, key, {"Content-Type": artifact.content_type, **build_disposition(filename)}
    )
    return artifact


def describe_artifact(artifact: Artifact, file: Path) -> dict[str, Any]:
    """What a job's result says about the ``file`` it has kept.

    ``download_url``, ``filename``, ``size`` in bytes, ``sha256``, ``content_type``, and
    ``expires_at``, the end of the link in seconds since 1970.
    """
    return {
        "download_url": build_link(artifact),
        "filename": artifact.filename,
        "size": file.stat().st_size,
        "sha256": artifact.sha256,
        "content_type": artifact.content_type,
        "expires_at": int(time.time()) + get_settings().link_seconds,
    }


def locate(artifact: Artifact, method: str = "GET") -> Path | str:
    """The local file, or the URL of a bucket that ``method`` works on for a few minutes.

    Raises ``ArtifactGone`` when there is no local file.
    """
    try:
        return open_storage().locate(artifact.key, method)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def read_artifact(artifact: Artifact, most: int) -> bytes:
    """The first ``most`` bytes of the file. Raises ``ArtifactGone``."""
    try:
        return open_storage().read(artifact.key, most)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def build_link(artifact: Artifact) -> str:
    """A URL that fetches the artifact for ``CONTINUO_LINK_SECONDS``."""
    return f"{get_settings().base_url}/artifacts/{build_signer().dumps(list(artifact))}"


def resolve_link(token: str) -> Artifact:
    """The artifact behind the last part of a link. Raises ``LinkTampered`` or ``LinkExpired``."""
    try:
        key, filename = build_signer().loads(token, max_age=get_settings().link_seconds)
    except SignatureExpired:
        raise LinkExpired("this link has expired: order the job again for a new one") from None
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None
    return Artifact(key, filename)


def build_disposition(filename: str) -> dict[str, str]:
    """The header that has a browser save the file under its name (RFC 6266)."""
    plain = "".join(letter if IS_QUOTABLE(letter) else "_" for letter in filename)
    value = f'attachment; filename="{plain}"'
    if plain != filename:
        value += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return {"Content-Disposition": value}


def remove_expired() -> int:
    """Remove the days whose last link has expired; how many files went."""
    spare = timedelta(days=SPARE_DAYS + 1, seconds=get_settings().link_seconds)
    oldest = (datetime.now(UTC) - spare).date()
    return sum(
        open_storage().remove(day)
        for day in open_storage().days()
        if date.fromisoformat(day) < oldest
    )


def build_signer() -> URLSafeTimedSerializer:
    """Signs links with the newest secret of this installation; the others still open theirs."""
    return URLSafeTimedSerializer(get_settings().signing_keys[::-1], salt=SALT)


@lru_cache
def open_storage() -> Folder | Bucket:
    """Where artifacts are kept, opened once per process."""
    url = get_settings().artifacts_url
    return Bucket(url) if url else Folder(get_settings().data_dir / "artifacts")
