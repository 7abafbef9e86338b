"""Runs queries on the files for the API: few at once, in threads, within time and memory."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from project.errors import ContinuoError
from project.history import tables
from project.history.files import HistoryFile, get_root, list_files, list_folders
from project.history.mirror import open_mirror

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_QUERIES = 2
MAX_WAITING = 4
MAX_SECONDS = 10.0
MEMORY = "256MB"
THREADS = 2
FRESH_SECONDS = 10.0
"""So old may be what is known of a bucket."""
MAX_TRIES = 3
"""How often files are listed again when a merge removes them meanwhile."""

_pool = ThreadPoolExecutor(MAX_QUERIES, thread_name_prefix="history")
_places = threading.BoundedSemaphore(MAX_QUERIES + MAX_WAITING)


class HistoryBusy(ContinuoError):
    """Too many queries run, or one took too long; it may work later, or for fewer days."""


async def run_query[T](function: Callable[[], T]) -> T:
    """Call a function in a thread. Raises ``HistoryBusy`` when too many wait already."""
    if not _places.acquire(blocking=False):
        raise HistoryBusy("too many searches of the history run")
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, function)
    finally:
        _places.release()


def refresh(within: float = 0) -> None:
    """Bring the copy of a bucket up to date, unless that was done ``within`` some seconds.

    Raises ``HistoryBusy`` when the bucket does not answer.
    """
    mirror = open_mirror(get_root())
    if mirror is None:
        return
    from obstore.exceptions import BaseError

    try:
        mirror.pull(within=within)
    except BaseError as problem:
        raise HistoryBusy(f"the bucket of the history cannot be read: {problem}") from problem


def retry_if_merged[T](function: Callable[[], T]) -> T:
    """Call again when a merge has removed a file between its listing and its reading."""
    import duckdb

    refresh(FRESH_SECONDS)
    for _ in range(MAX_TRIES - 1):
        with suppress(duckdb.IOException):
            return function()
    return function()


@contextmanager
def open_query(threads: int = THREADS) -> "Iterator[DuckDBPyConnection]":
    """A database that reads the history. Raises ``HistoryBusy`` when it ran out of time or memory.

    What runs after ``MAX_SECONDS`` is interrupted.
    """
    import duckdb

    with tables.open_reader(get_root(), MEMORY, threads) as database:
        timer = threading.Timer(MAX_SECONDS, database.interrupt)
        timer.start()
        try:
            yield database
        except duckdb.InterruptException:
            raise HistoryBusy(f"the search took longer than {MAX_SECONDS:g} s") from None
        except duckdb.OutOfMemoryException:
            raise HistoryBusy("the search needs more memory than it may have") from None
        finally:
            timer.cancel()


def list_visible(days: Sequence[str], tenant: str | None) -> list[HistoryFile]:
    """The files of some days."""
    folders = list_folders(list(days), tenant)
    return [file for folder in folders for file in list_files(folder)]
