"""The history in a bucket: ``DATA_DIR/history`` is a copy of it on each machine.

With ``ARTIFACTS_URL``, each change of a file goes to the bucket at once, and who reads or changes
files brings the copy up to date first. A file that was never in the bucket, from the time before
there was one, stays and is sent by the archiver. Rows come after their roll-up and go before it, in
the bucket as on disk, so nobody reads one without the other.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from project.artifacts.storage import Bucket
from project.settings.values import get_settings

PREFIX = "history/"
LOCK = ".mirror.lock"
SAVE_EVERY = 50
"""Files after which a process that is killed need not fetch those before again."""

type Tags = dict[str, str]
"""The name of a file below the root -> the ETag of what the bucket has."""


@lru_cache
def open_mirror(root: Path) -> "Mirror | None":
    """The mirror of the history, once for each process; None without a bucket."""
    url = get_settings().artifacts_url
    return Mirror(root, Bucket(url)) if url else None


class Mirror:
    """The copy below ``root`` of what is in the bucket below ``history/``."""

    def __init__(self, root: Path, bucket: Bucket) -> None:
        self._root = root
        self._bucket = bucket
        place = blake2b(bucket.url.encode(), digest_size=8).hexdigest()
        self._index = root / f".mirror-{place}.json"  # what another bucket had says nothing
        self._pulled_at = -float("inf")

    def pull(self, *, within: float = 0, on_file: Callable[[], object] = bool) -> None:
        """Bring the copy up to date, unless this process did so ``within`` some seconds.

        ``on_file`` is called before each file that is fetched. Raises the errors of the bucket.
        """
        if time.monotonic() < self._pulled_at + within:
            return
        with self._open_index() as tags:
            there = self._list()
            for name in sorted(tags.keys() - there.keys(), key=is_rollup):
                (self._root / name).unlink(missing_ok=True)
                del tags[name]
            changed = [name for name in there if tags.get(name) != there[name]]
            for number, name in enumerate(sorted(changed, key=is_rollup, reverse=True), 1):
                on_file()
                if self._fetch(name):
                    tags[name] = there[name]
                if number % SAVE_EVERY == 0:
                    self._save(tags)
        self._pulled_at = time.monotonic()

    def push(self, file: Path) -> None:
        """Send a file to the bucket."""
        with self._open_index() as tags:
            self._send(tags, file)

    def push_missing(self, *, on_file: Callable[[], object] = bool) -> None:
        """Send the files that were never in the bucket. Call ``pull`` before."""
        with self._open_index() as tags:
            found = [*self._root.glob("*/*/*.rollup"), *self._root.glob("*/*/*.parquet")]
            for file in found:
                if self._name(file) not in tags:
                    on_file()
                    self._send(tags, file)

    def remove(self, file: Path) -> None:
        """Remove a file from the bucket."""
        with self._open_index() as tags:
            self._remove(tags, self._name(file))

    def remove_day(self, day: str) -> None:
        """Remove all files of a day from the bucket."""
        with self._open_index() as tags:
            for name in sorted(self._list(f"{day}/"), key=is_rollup):
                self._remove(tags, name)

    def _list(self, below: str = "") -> Tags:
        found: Tags = {}
        for entries in self._bucket.store.list(PREFIX + below, chunk_size=1_000):
            for entry in entries:
                name = entry["path"].removeprefix(PREFIX)
                found[name] = entry["e_tag"] or f"{entry['size']} {entry['last_modified']}"
        return found

    def _fetch(self, name: str) -> bool:
        """Fetch a file; False when it is gone: a merge has removed it since."""
        place = self._root / name
        if not place.resolve().is_relative_to(self._root.resolve()):
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            with part.open("wb") as file:
                for chunk in self._bucket.store.get(PREFIX + name).stream():
                    file.write(chunk)
            part.replace(place)
        except FileNotFoundError:
            return False
        finally:
            part.unlink(missing_ok=True)
        return True

    def _send(self, tags: Tags, file: Path) -> None:
        sent: Any = self._bucket.store.put(PREFIX + self._name(file), file)
        tags[self._name(file)] = sent["e_tag"] or ""

    def _remove(self, tags: Tags, name: str) -> None:
        with suppress(FileNotFoundError):
            self._bucket.store.delete(PREFIX + name)
        tags.pop(name, None)

    def _name(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    @contextmanager
    def _open_index(self) -> Iterator[Tags]:
        """What the copy has, for one process of the machine at a time; saved at the end."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tags: Tags = {}
            with suppress(FileNotFoundError, msgspec.DecodeError):
                tags = msgspec.json.decode(self._index.read_bytes(), type=dict[str, str])
            try:
                yield tags
            finally:
                self._save(tags)

    def _save(self, tags: Tags) -> None:
        part = self._index.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(tags))
        part.replace(self._index)


def is_rollup(name: str) -> bool:
    """Whether a file is a roll-up, which is there longer than its rows."""
    return name.endswith(".rollup")
