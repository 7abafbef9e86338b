"""Files that jobs make: stored under the hash of their content, downloaded by signed links.

A key is ``2026-11-25/<sha256>.pdf``. A retry or a second worker that makes the same bytes finds
them there and writes nothing. Writers add files only to the current day. The cleanup removes a
whole day after its last link has expired, so it never races a writer.
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
"""Days to keep a file after its last link expired: clocks differ and downloads take time."""

IS_QUOTABLE = re.compile(r"[ !#-\[\]-~]").fullmatch
"""Matches a character that is allowed in a quoted header value."""

IS_KEY = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{64}(\.[^./\\\x00-\x1f]{1,200})?"
).fullmatch
"""Matches the key of an artifact: a day, the SHA-256 of the content, and a suffix."""

CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
"""The media types of suffixes; others are ``application/octet-stream``."""


class Artifact(NamedTuple):
    """The target of a link: its storage key, and the name under which a browser saves it."""

    key: str
    filename: str

    @property
    def content_type(self) -> str:
        """The media type, by the suffix of the key."""
        return CONTENT_TYPES.get(PurePosixPath(self.key).suffix, "application/octet-stream")

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content, 64 hexadecimal digits."""
        return PurePosixPath(self.key).stem


class ArtifactGone(ContinuoError):
    """The link is valid but the file has been removed."""


@contextmanager
def open_workshop() -> Iterator[Path]:
    """Provide an empty folder to make a file in; the folder is removed at the end."""
    place = get_settings().data_dir / "workshop"
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def store_artifact(file: Path, filename: str) -> Artifact:
    """Store a file from ``open_workshop``. When this returns, all of it is on disk."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    key = f"{datetime.now(UTC).date()}/{digest}{PurePosixPath(filename).suffix}"
    artifact = Artifact(key, filename)
    open_storage().keep(
        file, key, {"Content-Type": artifact.content_type, **build_disposition(filename)}
    )
    return artifact


def describe_artifact(artifact: Artifact, file: Path) -> dict[str, Any]:
    """Describe the stored ``file`` for the job's result.

    ``download_url``, ``filename``, ``size`` in bytes, ``sha256``, ``content_type``, and
    ``expires_at``, when the link expires in seconds since 1970.
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
    """Return the local file, or the presigned URL of a bucket for ``method`` (10 minutes).

    Raises ``ArtifactGone`` when there is no local file.
    """
    try:
        return open_storage().locate(require_own_key(artifact), method)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def read_artifact(artifact: Artifact, most: int) -> bytes:
    """Read at most ``most`` bytes of the file. Raises ``ArtifactGone``."""
    try:
        return open_storage().read(require_own_key(artifact), most)
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def build_link(artifact: Artifact) -> str:
    """Build the download URL of an artifact. It works for ``CONTINUO_LINK_SECONDS``."""
    return f"{get_settings().base_url}/artifacts/{build_signer().dumps(list(artifact))}"


def resolve_link(token: str) -> Artifact:
    """Return the artifact of a link's token. Raises ``LinkTampered`` or ``LinkExpired``."""
    try:
        key, filename = build_signer().loads(token, max_age=get_settings().link_seconds)
    except SignatureExpired:
        raise LinkExpired("this link has expired: order the job again for a new one") from None
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None
    artifact = Artifact(str(key), str(filename))
    if not IS_KEY(artifact.key):
        raise LinkTampered("this link does not lead to a file that a job made")
    return artifact


def require_own_key(artifact: Artifact) -> str:
    """The key of an artifact. Raises ``ArtifactGone`` unless ``store_artifact`` makes such keys.

    A signature says who wrote a key, not that the key stays within the folder.
    """
    if not IS_KEY(artifact.key):
        raise ArtifactGone(f"{artifact.filename} is no file that a job made")
    return artifact.key


def build_disposition(filename: str) -> dict[str, str]:
    """Build the header that tells a browser to save the file as ``filename`` (RFC 6266)."""
    plain = "".join(letter if IS_QUOTABLE(letter) else "_" for letter in filename)
    value = f'attachment; filename="{plain}"'
    if plain != filename:
        value += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return {"Content-Disposition": value}


def remove_expired() -> int:
    """Remove the days whose last link has expired. Returns the number of files."""
    spare = timedelta(days=SPARE_DAYS + 1, seconds=get_settings().link_seconds)
    oldest = (datetime.now(UTC) - spare).date()
    return sum(
        open_storage().remove(day)
        for day in open_storage().days()
        if date.fromisoformat(day) < oldest
    )


def build_signer() -> URLSafeTimedSerializer:
    """Build the signer of links: it signs with the newest secret and accepts the older ones."""
    return URLSafeTimedSerializer(get_settings().signing_keys[::-1], salt=SALT)


@lru_cache
def open_storage() -> Folder | Bucket:
    """Return the storage of artifacts; opened once per process."""
    url = get_settings().artifacts_url
    return Bucket(url) if url else Folder(get_settings().data_dir / "artifacts")
