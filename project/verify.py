"""``python -m project.verify`` says whether every record has what its state demands.

A job that waits has a message, a job that runs has a live worker that knows it, and one that has
ended says when; each is in the index of its status. Changes nothing. Prints a line for each
broken record. Exit codes: 0 all is well; 1 there are broken records, or Redis does not answer;
2 a setting is wrong. In the first seconds after a crash it may name jobs that are being mended.
"""

from collections.abc import Iterator

from project.errors import StoreUnavailable
from project.settings.checks import run_program
from project.store.client import Store
from project.store.commands import guard, statistics
from project.store.commands.guard import Fault
from project.worker.upkeep.guard import Guard


def main() -> int:
    """Check all records. Returns the exit code."""
    from project.celery import app  # with wrong settings there is no app

    try:
        faults = [*check_records(app.store), *Guard(app.store, mends=False).check()]
        count = app.store.run(statistics.read_stats()).total_tasks
    except StoreUnavailable as problem:
        print(f"wrong: {problem.reason}")  # noqa: T201
        return 1
    for fault in faults:
        print(f"wrong: job {fault.job_id}: {fault.problem}")  # noqa: T201
    print(f"{count} records, {len(faults)} broken")  # noqa: T201
    return 1 if faults else 0


def check_records(store: Store) -> Iterator[Fault]:
    """The records that are broken in themselves."""
    cursor = ""
    while cursor != "0":
        cursor, faults = store.run(guard.check_records(cursor or "0"))
        yield from faults


if __name__ == "__main__":
    run_program("verify", main)
