"""``python -m project.history.archiver``: archives the ended jobs that wait, then tidies files.

A worker starts it with a token under which it holds the lease. What is killed at any moment is
done again by the next one: a batch keeps its number and its jobs until its files are on disk.
"""

import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

import msgspec

from project.artifacts.links import open_workshop
from project.history import compaction, tables
from project.history.files import HistoryFile, day_of, find_folder, get_root, remove_old
from project.history.mirror import open_mirror
from project.history.rows import FIELDS, Row, build_row
from project.settings.checks import run_program
from project.settings.history import get_history_settings
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import archive
from project.store.commands.archive import Batch

LEASE_SECONDS = 120
"""Longer than one batch or one compaction takes."""
TIMEOUT_SECONDS = 900
"""The process ends after this time; the next one continues."""
ARCHIVE_SECONDS = 300.0
"""After so long the files are tidied, even if jobs still wait."""
NICENESS = 10
MAX_BATCH_JOBS = 2_000
READ_JOBS = 25
"""How many records one script reads: up to 25 payloads and results."""

type Place = tuple[str, str, bool]
"""A day, a tenant, and whether the rows are those of reruns."""


class Archiver:
    """Holds the lease under a token. ``shown_kinds`` keep their payload."""

    def __init__(self, store: Store, token: str, shown_kinds: frozenset[str]) -> None:
        self.store = store
        self.token = token
        self.shown_kinds = shown_kinds

    def bring_up_to_date(self) -> None:
        """Fetch what others have changed in the bucket, and send what is not there."""
        if mirror := open_mirror(get_root()):
            mirror.pull(on_file=self.renew)
            mirror.push_missing(on_file=self.renew)

    def archive_all(self, seconds: float = ARCHIVE_SECONDS) -> int:
        """Archive what waits, for about some seconds. Returns how many jobs were written."""
        ends_at, written = time.monotonic() + seconds, 0
        while time.monotonic() < ends_at and self.renew():
            batch = self.store.run(archive.claim(self.token, MAX_BATCH_JOBS))
            if batch is None:
                break
            ended = self.write(batch)
            if not self.store.run(archive.confirm(self.token, batch, ended)):
                break
            written += len(ended)
        return written

    def write(self, batch: Batch) -> dict[str, str]:
        """Write the files of a batch. Returns the end of each job that has a row."""
        ended: dict[str, str] = {}
        with open_workshop() as folder:
            places = self.write_lines(batch, folder, ended)
            with tables.open_writer(folder) as database:
                for (day, tenant, is_again), lines in places.items():
                    rows, rollup = folder / "rows", folder / "rollup"
                    tables.load_lines(database, lines)
                    tables.write_files(database, rows, rollup)
                    place = find_folder(day, tenant)
                    HistoryFile(place, batch.number, batch.number, is_again).publish(rows, rollup)
        return ended

    def write_lines(self, batch: Batch, folder: Path, ended: dict[str, str]) -> dict[Place, Path]:
        """Write the rows as lines of JSON, in a file for each place."""
        places: dict[Place, Path] = {}
        for rows in self.read_rows(batch):
            lines = defaultdict[Place, list[bytes]](list)
            for row in rows:
                ended[row.values["id"]] = row.ended_at
                lines[place_of(row)].append(msgspec.json.encode(row.values))
            for place, texts in lines.items():
                file = places.setdefault(place, folder / f"{len(places)}.jsonl")
                with file.open("ab") as output:
                    output.write(b"\n".join([*texts, b""]))
        return places

    def read_rows(self, batch: Batch) -> Iterator[list[Row]]:
        """Read the records of a batch, some at a time."""
        for ids in batched(batch.ids, READ_JOBS):
            records = self.store.run(archive.read(ids, FIELDS))
            pairs = zip(ids, records, strict=True)
            rows = (build_row(job_id, fields, self.shown_kinds) for job_id, fields in pairs)
            yield [row for row in rows if row]

    def renew(self) -> bool:
        """Whether this process still has the lease."""
        return self.store.run(archive.lease(self.token, LEASE_SECONDS))

    def tidy(self) -> None:
        """Merge small files, and remove days that are too old."""
        for _ in compaction.compact_all():
            if not self.renew():
                return
        remove_old(get_history_settings().history_days)


def place_of(row: Row) -> Place:
    """The folder and the sort of file that a row belongs to."""
    return day_of(float(row.ended_at)), row.values["tenant"], row.is_again


def run(token: str, shown_kinds: frozenset[str]) -> int:
    """Archive and tidy once, if the lease can be had. Returns how many jobs were written."""
    store = Store(get_settings().store_url)
    archiver = Archiver(store, token, shown_kinds)
    if not archiver.renew():
        return 0
    try:
        archiver.bring_up_to_date()
        written = archiver.archive_all()
        archiver.tidy()
        return written
    finally:
        store.run(archive.release(token))
        store.close()


def main() -> int:
    """Read ``{"token": ..., "shown_kinds": [...]}`` from the first argument. Returns the code."""
    signal.alarm(TIMEOUT_SECONDS)
    os.nice(NICENESS)
    order = json.loads(sys.argv[1]) if sys.argv[1:] else {}
    token = order.get("token") or f"archiver-{os.getpid()}-{os.urandom(4).hex()}"
    written = run(token, frozenset(order.get("shown_kinds", ())))
    sys.stdout.write(f"archived {written} jobs\n")
    return 0


if __name__ == "__main__":
    run_program("archiver", main)
