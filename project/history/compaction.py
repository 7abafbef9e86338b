"""Merges small files of the history, so that a day of a tenant is a few large ones.

The merged file replaces its sources by its name alone (see ``files``); they are removed after it is
on disk. Only the holder of the lease may do this, between two batches.
"""

import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from project.artifacts.links import open_workshop
from project.history import tables
from project.history.files import (
    HistoryFile,
    day_of,
    list_covered,
    list_days,
    list_files,
    list_folders,
)

SMALL_FILE_BYTES = 16 << 20
"""Larger files are merged no more."""
MIN_FILES_TODAY = 16
"""So many small files of today are merged."""
MAX_FILES = 64
"""How many files one merge reads; the next round merges the rest."""


def compact_all() -> Iterator[HistoryFile]:
    """Compact one folder after the other; yields each merged file."""
    today = day_of(time.time())
    for day in list_days():
        for folder in list_folders([day]):
            yield from compact_folder(folder, MIN_FILES_TODAY if day >= today else 2)


def compact_folder(folder: Path, least: int) -> Iterator[HistoryFile]:
    """Merge the runs of at least ``least`` small files of a folder, and of two in any case."""
    for left in list_covered(folder):
        left.remove()
    for sources in find_runs(list_files(folder)):
        if len(sources) >= max(least, 2):  # one file would replace itself
            yield merge(sources[:MAX_FILES])


def find_runs(files: list[HistoryFile]) -> Iterator[list[HistoryFile]]:
    """Small files of the same sort that follow each other."""

    def sort_of(file: HistoryFile) -> tuple[bool, bool]:
        return file.is_again, file.path.stat().st_size < SMALL_FILE_BYTES

    ordered = sorted(files, key=lambda file: (file.is_again, file.first))
    for (_, is_small), run in groupby(ordered, key=sort_of):
        if is_small:
            yield list(run)


def merge(sources: list[HistoryFile]) -> HistoryFile:
    """Write one file with the rows of all sources, and remove them."""
    merged = sources[0]._replace(last=sources[-1].last)
    with open_workshop() as work, tables.open_writer(work) as database:
        rows, rollup = work / "rows", work / "rollup"
        tables.view_files(database, [source.path for source in sources])
        tables.write_files(database, rows, rollup)
        merged.publish(rows, rollup)
    for source in sources:
        source.remove()
    return merged
