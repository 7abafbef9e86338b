"""Where artifacts lie: a folder of this machine, or an S3 bucket. A folder or prefix per day.

obstore, which speaks to S3, must not be used before a process forks: it is loaded
where it is first needed.
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
from project.settings.bucket import read_bucket_access

if TYPE_CHECKING:
    from obstore.store import S3Store

PRESIGNED_URL_LIFETIME = timedelta(minutes=10)
"""How long a presigned URL can be used to begin a download."""
IS_DAY = re.compile(r"\d{4}-\d\d-\d\d").fullmatch


log = logging.getLogger(__name__)


class Folder:
    """Files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, file: Path, key: str, _about: dict[str, str]) -> None:
        """Give the file a second name here unless that is taken; on disk when this returns.

        ``file`` is on the same file system. It is written before it has the name, so
        whoever finds the name finds all of it, also after a loss of power.
        """
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        sync_to_disk(file)
        with suppress(FileExistsError):
            os.link(file, place)
        sync_to_disk(place.parent)
        sync_to_disk(self.root)

    def locate(self, key: str, _method: str) -> Path:
        """The file. Raises ``FileNotFoundError``."""
        place = self.root / key
        place.stat()
        return place

    def read(self, key: str, most: int) -> bytes:
        """The first ``most`` bytes of a file. Raises ``FileNotFoundError``."""
        with (self.root / key).open("rb") as file:
            return file.read(most)

    def days(self) -> list[str]:
        """The days there are files of."""
        with suppress(FileNotFoundError):
            return [entry.name for entry in os.scandir(self.root) if IS_DAY(entry.name)]
        return []

    def remove(self, day: str) -> int:
        """Remove all files of a day; how many. Others may be at the same."""
        removed = 0
        with suppress(FileNotFoundError):
            for file in (self.root / day).iterdir():
                file.unlink(missing_ok=True)
                removed += 1
            (self.root / day).rmdir()
        return removed


class Bucket:
    """Objects below ``s3://bucket/prefix``; credentials and endpoint from the usual AWS variables.

    An upload in parts becomes an object when all parts are there. The same key is the
    same bytes, so to write it twice does no harm: whoever finds the object leaves it alone,
    and two who are at it each have an upload of their own. One that is cut leaves parts and
    no object; the parts go with their day.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: S3Store | None = None
        place = urlsplit(url)
        self._name, self._prefix = place.netloc, f"{place.path.strip('/')}/".lstrip("/")

    @property
    def store(self) -> "S3Store":
        """The client, made when it is first needed."""
        if self._opened is None:
            from obstore.store import S3Store

            self._opened = S3Store.from_url(
                self.url,
                client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "60s"},
                retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
            )
        return self._opened

    def keep(self, file: Path, key: str, about: dict[str, str]) -> None:
        """Upload the file unless it is there; ``about`` are the headers it is served with."""
        with suppress(FileNotFoundError):
            self.store.head(key)
            return
        self.store.put(key, file, attributes=about, max_concurrency=4)

    def locate(self, key: str, method: str) -> str:
        """A URL that works for a while."""
        import obstore

        # the type of method is a Literal of names
        return obstore.sign(
            self.store, "HEAD" if method == "HEAD" else "GET", key, PRESIGNED_URL_LIFETIME
        )

    def read(self, key: str, most: int) -> bytes:
        """The first ``most`` bytes of an object. Raises ``FileNotFoundError``."""
        size = self.store.head(key)["size"]
        return bytes(self.store.get_range(key, start=0, end=min(size, most))) if size else b""

    def days(self) -> list[str]:
        """The days there are objects of, or parts of some."""
        prefixes = self.store.list_with_delimiter()["common_prefixes"]
        names = {prefix.rstrip("/").rpartition("/")[2] for prefix in prefixes}
        begun = {one.key.removeprefix(self._prefix) for one in self._list_unfinished("")}
        names |= {key.partition("/")[0] for key in begun}
        return [name for name in names if IS_DAY(name)]

    def remove(self, day: str) -> int:
        """Remove all objects of a day, and what was left of uploads; how many objects."""
        removed = 0
        for some in self.store.list(day, chunk_size=1_000):
            self.store.delete([entry["path"] for entry in some])
            removed += len(some)
        for upload in self._list_unfinished(f"{day}/"):
            with suppress(UploadRefused, OSError):  # its end, or another janitor, came first
                upload.abort()
        return removed

    def _list_unfinished(self, key: str) -> list[Upload]:
        """The uploads of keys that begin so which have not ended, as far as we may know."""
        if (access := read_bucket_access()) is None:
            return []
        try:
            return multipart.list_unfinished(access, self._name, self._prefix + key)
        except (UploadRefused, OSError) as problem:
            log.warning("unfinished uploads are not seen: %s", problem)
            return []


def sync_to_disk(path: Path) -> None:
    """Return when what a file holds, or a folder lists, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
