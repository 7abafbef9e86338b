"""The files of the history: ``2026-11-25/<tenant>/000000000017-000000000017.parquet``.

The two numbers are the first and the last batch whose rows a file has. A file replaces all files
of its folder whose batches are among its own: so a compaction that is killed before it has removed
its sources doubles nothing, and a batch that is written again only overwrites its own file. A
file gets its name when it is complete and on disk.

``.again`` files have the rows of reruns, which replace older rows of the same id. Beside each file
is its roll-up, which gets its name first.
"""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from project.artifacts.storage import sync_to_disk
from project.history.mirror import open_mirror
from project.settings.values import get_settings

NO_TENANT = "_"
"""The folder of jobs without a tenant; the name of a tenant begins with a letter or a digit."""

IS_DAY = re.compile(r"\d{4}-\d\d-\d\d").fullmatch
IS_TENANT_FOLDER = re.compile(r"_|[a-z0-9][a-z0-9_-]{0,63}").fullmatch
parse_name = re.compile(r"(\d{12})-(\d{12})(\.again)?\.parquet").fullmatch


class HistoryFile(NamedTuple):
    """One file of rows. ``first`` and ``last`` are numbers of batches."""

    folder: Path
    first: int
    last: int
    is_again: bool

    @property
    def path(self) -> Path:
        """Where the rows are."""
        again = ".again" if self.is_again else ""
        return self.folder / f"{self.first:012}-{self.last:012}{again}.parquet"

    @property
    def rollup(self) -> Path:
        """Where the roll-up of the rows is."""
        return self.path.with_suffix(".rollup")

    def publish(self, rows: Path, rollup: Path) -> None:
        """Move finished files to their names, over older ones; the rows last."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for source, place in ((rollup, self.rollup), (rows, self.path)):
            sync_to_disk(source)
            source.replace(place)
            sync_to_disk(self.folder)
            if mirror := open_mirror(get_root()):
                mirror.push(place)

    def remove(self) -> None:
        """Remove the file; its rows first, so that nobody reads rows without a roll-up."""
        for place in (self.path, self.rollup):
            if mirror := open_mirror(get_root()):
                mirror.remove(place)
            place.unlink(missing_ok=True)


def get_root() -> Path:
    """The folder of the history; with a bucket, a copy of what is there."""
    return get_settings().data_dir / "history"


def find_folder(day: str, tenant: str) -> Path:
    """The folder of a day (``2026-11-25``) and a tenant. Raises ``ValueError`` for other names."""
    name = tenant or NO_TENANT
    if not (IS_DAY(day) and IS_TENANT_FOLDER(name)):
        raise ValueError(f"no folder of the history: {day!r}, {tenant!r}")
    return get_root() / day / name


def list_days() -> list[str]:
    """The days that have files, the oldest first."""
    return sorted(name for name in list_names(get_root()) if IS_DAY(name))


def list_folders(days: list[str], tenant: str | None = None) -> Iterator[Path]:
    """The folders of some days; ``tenant``: only that one's."""
    for day in days:
        place = get_root() / day
        names = list_names(place) if tenant is None else [tenant or NO_TENANT]
        yield from (place / name for name in sorted(names) if IS_TENANT_FOLDER(name))


def list_files(folder: Path) -> list[HistoryFile]:
    """The files of a folder without those that others replace, in the order of their batches."""
    found = sorted(
        HistoryFile(folder, int(match[1]), int(match[2]), bool(match[3]))
        for match in map(parse_name, list_names(folder))
        if match
    )
    return list(drop_covered(found))


def list_covered(folder: Path) -> list[HistoryFile]:
    """The files that others replace, which a killed compaction has left."""
    matches = filter(None, map(parse_name, list_names(folder)))
    found = {HistoryFile(folder, int(m[1]), int(m[2]), bool(m[3])) for m in matches}
    return sorted(found.difference(list_files(folder)))


def drop_covered(files: list[HistoryFile]) -> Iterator[HistoryFile]:
    """The files that no other one replaces. Ranges lie within each other or apart."""
    ordered = sorted(files, key=lambda file: (file.is_again, file.first, -file.last))
    for _, group in groupby(ordered, key=lambda file: file.is_again):
        last = -1
        for file in group:
            if file.last > last:
                yield file
                last = file.last


def list_names(folder: Path) -> list[str]:
    """The names in a folder, none when there is no folder."""
    try:
        return [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove_old(days: int) -> int:
    """Remove the days that are older than so many. Returns their number."""
    oldest = str(datetime.now(UTC).date() - timedelta(days=days))
    old = [day for day in list_days() if day < oldest]
    for day in old:
        if mirror := open_mirror(get_root()):
            mirror.remove_day(day)
        shutil.rmtree(get_root() / day, ignore_errors=True)
    return len(old)


def day_of(seconds: float) -> str:
    """The day (UTC) of a time in seconds since 1970."""
    return str(datetime.fromtimestamp(seconds, UTC).date())


def list_days_between(after: float | None, before: float | None) -> list[str]:
    """The days with files in which a time between both may lie."""
    first = day_of(after) if after is not None else str(date.min)
    last = day_of(before) if before is not None else str(date.max)
    return [day for day in list_days() if first <= day <= last]
