"""``python -m project.verify`` says whether every record has what its state demands.

A job that waits has a message, a job that runs has a live worker that knows it, and one that has
ended says when; each is in the index of its status. A node of a workflow waits for as many others
as its counter says, and a workflow that runs has something to run. Changes nothing. Prints a line
for each broken record. Exit codes: 0 all is well; 1 there are broken records, or Redis does not
answer; 2 a setting is wrong. In the first seconds after a crash it may name jobs that are being
mended; rounds of the workers look at a workflow when nothing has ended in it for a minute.
"""

from collections.abc import Iterator

from project.errors import StoreUnavailable
from project.settings.checks import run_program
from project.store.client import Store
from project.store.commands import guard, statistics, workflows
from project.store.commands.guard import Fault
from project.worker.upkeep.guard import Guard

PAGE = 100


def main() -> int:
    """Check all records. Returns the exit code."""
    from project.celery import app  # with wrong settings there is no app

    try:
        faults = [*check_records(app.store), *Guard(app.store, mends=False).check()]
        lines = [f"job {fault.job_id}: {fault.problem}" for fault in faults]
        lines += check_workflows(app.store)
        count = app.store.run(statistics.read_stats()).total_tasks
    except StoreUnavailable as problem:
        print(f"wrong: {problem.reason}")  # noqa: T201
        return 1
    for line in lines:
        print(f"wrong: {line}")  # noqa: T201
    print(f"{count} records, {len(lines)} broken")  # noqa: T201
    return 1 if lines else 0


def check_records(store: Store) -> Iterator[Fault]:
    """The records that are broken in themselves."""
    cursor = ""
    while cursor != "0":
        cursor, faults = store.run(guard.check_records(cursor or "0"))
        yield from faults


def check_workflows(store: Store) -> Iterator[str]:
    """What is wrong with workflows."""
    offset, total = 0, 1
    while offset < total:
        page = store.run(workflows.list_page("", offset, PAGE))
        total, offset = page.total, offset + PAGE
        for each in page.workflows:
            for node, problem in store.run(guard.check_workflow(each.id)):
                where = f", node {node}" if node else ""
                yield f"workflow {each.id}{where}: {problem}"


if __name__ == "__main__":
    run_program("verify", main)
