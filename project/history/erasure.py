"""Erases jobs from the history: it rewrites the files that have them."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from project.artifacts.links import open_workshop
from project.errors import ContinuoError
from project.history import tables
from project.history.conditions import HistoryFilter, join_conditions
from project.history.files import HistoryFile, list_days
from project.history.reading import list_visible, refresh
from project.store.client import Store
from project.store.commands import archive
from project.store.commands.archive import ErasureAccount

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEASE_SECONDS = 120
WAIT_SECONDS = 10.0
WAIT_STEP_SECONDS = 0.2
MAX_SECONDS = 20.0
"""An erasure that takes longer stops after a file, and is to be repeated."""


class ArchiverBusy(ContinuoError):
    """The archiver works on the files; the erasure is to be repeated."""


class ErasureResult(NamedTuple):
    """How many rows were erased, or would be, and whether all files were looked at."""

    jobs: int
    is_complete: bool


def erase(store: Store, wanted: HistoryFilter, by: str, *, dry_run: bool) -> ErasureResult:
    """Erase the jobs that match, and keep an account of it.

    A repeated call goes on where one that was interrupted stopped. Raises ``ArchiverBusy``.
    """
    token = f"erasure-{os.getpid()}-{os.urandom(4).hex()}"
    wait_for_lease(store, token)
    try:
        result = erase_from_files(store, token, wanted, dry_run=dry_run)
        if result.jobs and not dry_run:
            fields = sorted({*wanted.values, *(["id"] if wanted.job_id else [])})
            store.run(archive.log_erasure(ErasureAccount(time.time(), by, fields, result.jobs)))
        return result
    finally:
        store.run(archive.release(token))


def wait_for_lease(store: Store, token: str) -> None:
    """Take the lease on the files. Raises ``ArchiverBusy`` after some seconds."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while not store.run(archive.lease(token, LEASE_SECONDS)):
        if time.monotonic() > ends_at:
            raise ArchiverBusy("the archiver is at work; repeat the request in a minute")
        time.sleep(WAIT_STEP_SECONDS)


def erase_from_files(
    store: Store, token: str, wanted: HistoryFilter, *, dry_run: bool
) -> ErasureResult:
    """Look at each file, the oldest first, for about some seconds."""
    refresh()
    ends_at, jobs = time.monotonic() + MAX_SECONDS, 0
    files = list_visible(list_days(), wanted.tenant)
    with open_workshop() as work, tables.open_writer(work) as database:
        for file in files:
            late = time.monotonic() > ends_at
            if late or not store.run(archive.lease(token, LEASE_SECONDS)):
                return ErasureResult(jobs, is_complete=False)
            jobs += erase_from_file(database, file, wanted, work, dry_run=dry_run)
    return ErasureResult(jobs, is_complete=True)


def erase_from_file(
    database: "DuckDBPyConnection",
    file: HistoryFile,
    wanted: HistoryFilter,
    work: Path,
    *,
    dry_run: bool,
) -> int:
    """Rewrite a file without the rows that match. Returns how many did."""
    tables.view_files(database, [file.path])
    condition, parameters = join_conditions(wanted)
    found = f"SELECT id FROM rows WHERE {condition}"  # noqa: S608 - parameters only
    ids = database.execute(found, parameters).fetchall()
    if ids and not dry_run:
        database.execute("CREATE OR REPLACE TEMP TABLE erased (id VARCHAR)")
        database.executemany("INSERT INTO erased VALUES (?)", ids)
        rows, rollup = work / "rows", work / "rollup"
        tables.write_files(database, rows, rollup, "WHERE id NOT IN (SELECT id FROM erased)")
        file.publish(rows, rollup)
    return len(ids)
