"""Ended jobs for the tests of the history, and what is in its files."""

import json

from project.history import archiver, files
from project.store.client import Store
from project.store.commands import jobs
from tests.support import job_commands

SHOWN_KINDS = frozenset({"report", "order"})


def end_job(
    store: Store, job_id: str, kind: str = "report", tenant: str = "", payload: str = "[[], {}]"
) -> None:
    """Enqueue a job, start it, and let it succeed."""
    message = job_commands.message(job_id, kind, payload=payload, tenant=tenant)
    store.run(jobs.enqueue(message))
    job_commands.start(store, job_id)
    job_commands.succeed(store, job_id)


def payload_of(**kwargs: object) -> str:
    return json.dumps([[], kwargs])


def archive_all() -> int:
    return archiver.run("test", SHOWN_KINDS)


def list_visible() -> list[files.HistoryFile]:
    return [
        file
        for folder in files.list_folders(files.list_days())
        for file in files.list_files(folder)
    ]


def list_ids() -> list[str]:
    """The ids of all rows, doubled ones too."""
    import duckdb

    found: list[str] = []
    with duckdb.connect() as database:
        for file in list_visible():
            rows = database.execute("SELECT id FROM read_parquet(?)", [str(file.path)]).fetchall()
            found += [row[0] for row in rows]
    return sorted(found)


def drop_column(name: str) -> None:
    """Write all files as a version did that did not know a column."""
    import duckdb

    with duckdb.connect() as database:
        for file in list_visible():
            older = file.path.with_suffix(".older")
            select = f"SELECT * EXCLUDE ({name}) FROM read_parquet('{file.path}')"  # noqa: S608
            database.execute(f"COPY ({select}) TO '{older}' (FORMAT parquet)")
            older.replace(file.path)
