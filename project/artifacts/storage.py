"""Storage of artifacts: a folder on this machine or an S3 bucket, with a folder or prefix per day.

obstore, the S3 client, must not be used before a process forks, so it is imported on first use.
"""

import logging
import os
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from project.artifacts import multipart
from project.artifacts.multipart import Upload, UploadRefused
from project.extras import require_extra
from project.settings.bucket import read_bucket_access

if TYPE_CHECKING:
    from obstore.store import S3Store

PRESIGNED_URL_LIFETIME = timedelta(minutes=10)
"""How long a client can start a download with a presigned URL."""
IS_DAY = re.compile(r"\d{4}-\d\d-\d\d").fullmatch


log = logging.getLogger(__name__)


class Folder:
    """Files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, file: Path, key: str, _about: dict[str, str]) -> None:
        """Link the file under its key unless the key exists. When this returns, it is on disk.

        ``file`` must be on the same file system. It is complete before it gets its name, so a
        reader never sees a part of it, even after a power failure.
        """
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        sync_to_disk(file)
        with suppress(FileExistsError):
            os.link(file, place)
        sync_to_disk(place.parent)
        sync_to_disk(self.root)

    def locate(self, key: str, _method: str) -> Path:
        """Return the path of a file. Raises ``FileNotFoundError``."""
        place = self.root / key
        place.stat()
        return place

    def read(self, key: str, most: int) -> bytes:
        """Read at most ``most`` bytes of a file. Raises ``FileNotFoundError``."""
        with (self.root / key).open("rb") as file:
            return file.read(most)

    def days(self) -> list[str]:
        """List the days that have files, as ``2026-11-25``."""
        with suppress(FileNotFoundError):
            return [entry.name for entry in os.scandir(self.root) if IS_DAY(entry.name)]
        return []

    def remove(self, day: str) -> int:
        """Remove all files of a day. Returns their number. Other processes may do the same."""
        removed = 0
        with suppress(FileNotFoundError):
            for file in (self.root / day).iterdir():
                file.unlink(missing_ok=True)
                removed += 1
            (self.root / day).rmdir()
        return removed


class Bucket:
    """Objects below ``s3://bucket/prefix``; credentials and endpoint from the usual AWS variables.

    The key contains the hash of the content, so writing an object twice is harmless. A multipart
    upload becomes an object when all its parts have arrived. An interrupted upload leaves parts
    but no object; ``remove`` deletes the parts together with their day.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: S3Store | None = None
        place = urlsplit(url)
        self._name, self._prefix = place.netloc, f"{place.path.strip('/')}/".lstrip("/")

    @property
    def store(self) -> "S3Store":
        """The S3 client, created on first use."""
        if self._opened is None:
            require_extra("buckets")
            from obstore.store import S3Store

            self._opened = S3Store.from_url(
                self.url,
                client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "60s"},
                retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
            )
        return self._opened

    def keep(self, file: Path, key: str, about: dict[str, str]) -> None:
        """Upload the file unless the key exists; ``about`` has the headers it is served with."""
        with suppress(FileNotFoundError):
            self.store.head(key)
            return
        self.store.put(key, file, attributes=about, max_concurrency=4)

    def locate(self, key: str, method: str) -> str:
        """Return a presigned URL of the object; it works for ``PRESIGNED_URL_LIFETIME``."""
        import obstore

        # the type of method is a Literal of names
        return obstore.sign(
            self.store, "HEAD" if method == "HEAD" else "GET", key, PRESIGNED_URL_LIFETIME
        )

    def read(self, key: str, most: int) -> bytes:
        """Read at most ``most`` bytes of an object. Raises ``FileNotFoundError``."""
        size = self.store.head(key)["size"]
        return bytes(self.store.get_range(key, start=0, end=min(size, most))) if size else b""

    def days(self) -> list[str]:
        """List the days that have objects or parts of unfinished uploads."""
        prefixes = self.store.list_with_delimiter()["common_prefixes"]
        names = {prefix.rstrip("/").rpartition("/")[2] for prefix in prefixes}
        begun = {upload.key.removeprefix(self._prefix) for upload in self._list_unfinished("")}
        names |= {key.partition("/")[0] for key in begun}
        return [name for name in names if IS_DAY(name)]

    def remove(self, day: str) -> int:
        """Remove the objects and unfinished uploads of a day. Returns the number of objects."""
        removed = 0
        for objects in self.store.list(day, chunk_size=1_000):
            self.store.delete([entry["path"] for entry in objects])
            removed += len(objects)
        for upload in self._list_unfinished(f"{day}/"):
            with suppress(UploadRefused, OSError):  # it ended, or another cleanup aborted it
                upload.abort()
        return removed

    def _list_unfinished(self, key: str) -> list[Upload]:
        """List the unfinished uploads below ``key``; none without access keys or on an error."""
        if (access := read_bucket_access()) is None:
            return []
        try:
            return multipart.list_unfinished(access, self._name, self._prefix + key)
        except (UploadRefused, OSError) as problem:
            log.warning("cannot list unfinished uploads: %s", problem)
            return []


def sync_to_disk(path: Path) -> None:
    """Flush a file's content, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
