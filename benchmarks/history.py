"""Measure the history: ``python -m benchmarks.history [--jobs N] [--days N] [--searches N]``.

Makes files as the archiver and the merges leave them, without Redis, and prints the bytes per job
and how long a search by kind, status, day and a value in the payload takes, and a summary of all
days. Then archives jobs from a Valkey and prints how many a second.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROWS_PER_FILE = 1_000_000
DAY_MICROSECONDS = 86_400_000_000
ARCHIVED_JOBS = 20_000

ROWS = """
SELECT uuid()::VARCHAR AS id, 'kind_' || (i % 10) AS kind, 'celery' AS queue, '' AS lane,
    '' AS tenant, CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'success' END AS status,
    []::VARCHAR[] AS tags, 1::INTEGER AS attempts, 3::INTEGER AS max_retries,
    0::INTEGER AS interruptions, ended - 2000000 - (i * 7919 % 100000) AS created_at,
    ended - (i * 104729 % 1000000) AS started_at, ended AS finished_at, NULL::VARCHAR AS logs,
    CASE WHEN i % 50 = 0 THEN 'ConnectionError: no answer' ELSE '' END AS error,
    NULL::VARCHAR AS errors, '{{"args":[],"kwargs":{{"order":{{"id":' || (first + i) || '}}}}}}'
        AS payload, '{{"rows":' || (i % 1000) || '}}' AS result
FROM (SELECT i, {first} AS first, {start} + i * {step} AS ended FROM range({count}) AS numbers(i))
"""
"""Ten kinds, one job in fifty failed, each with an order number of its own."""


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200_000, help="jobs in the history")
    parser.add_argument("--days", type=int, default=90, help="days that they are spread over")
    parser.add_argument("--searches", type=int, default=40)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        from tests.support.ports import find_free_port

        port = find_free_port()
        os.environ |= {"DATA_DIR": name, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        per_day = max(asked.jobs // asked.days, 1)
        days = list_days(asked.days)
        for number, day in enumerate(days):
            write_day(day, number * per_day, per_day)
        print_size(Path(name), per_day * len(days))
        measure_searches(days, per_day, asked.searches)
        measure_summary(days)
        measure_archiver(Path(name), port)
    return 0


def list_days(count: int) -> list[datetime]:
    """The last days before today, the oldest first."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=back) for back in range(count, 0, -1)]


def write_day(day: datetime, first: int, count: int) -> None:
    """Write the files of a day; ``first`` is the order number of its first job."""
    from project.artifacts.links import open_workshop
    from project.history import tables
    from project.history.files import HistoryFile, find_folder

    start, step = int(day.timestamp()) * 1_000_000, DAY_MICROSECONDS // (count + 1)
    with open_workshop() as work, tables.open_writer(work) as database:
        for number, done in enumerate(range(0, count, ROWS_PER_FILE), 1):
            made = ROWS.format(
                first=first + done,
                start=start + done * step,
                step=step,
                count=min(ROWS_PER_FILE, count - done),
            )
            database.execute(f"CREATE OR REPLACE VIEW rows AS {made}")
            tables.write_files(database, work / "rows", work / "rollup")
            file = HistoryFile(find_folder(str(day.date()), ""), number, number, is_again=False)
            file.publish(work / "rows", work / "rollup")


def print_size(home: Path, jobs: int) -> None:
    """Print the bytes per job, of rows and roll-ups."""
    files = [file for file in (home / "history").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(f"{jobs:,} jobs in {len(files) // 2} files: {size / jobs:.1f} bytes a job")


def measure_searches(days: list[datetime], per_day: int, count: int) -> None:
    """Print how long it takes to find one order of a day by its number."""
    from project.history.conditions import HistoryFilter
    from project.history.search import search

    dice = random.Random(1)  # noqa: S311 - no secret

    def find_one() -> None:
        place, number = dice.randrange(len(days)), dice.randrange(per_day)
        start = days[place].timestamp()
        wanted = HistoryFilter(
            kind=f"kind_{number % 10}",
            statuses=("failed" if number % 50 == 0 else "success",),
            finished_after=start - 1,
            finished_before=start + 86_400,
            values={"payload.order.id": str(place * per_day + number)},
        )
        if len(search(wanted, 50).jobs) != 1:
            raise SystemExit("a job was not found")

    print_times("kind, status, day and payload path", find_one, count)


def measure_summary(days: list[datetime]) -> None:
    """Print how long the sums of all days take."""
    from project.history.summary import SummaryFilter, sum_up

    wanted = SummaryFilter(days[0].timestamp(), time.time())
    print_times(f"summary of {len(days)} days", lambda: sum_up(wanted), 10)


def print_times(what: str, call: Callable[[], Any], count: int) -> None:
    """Call often; print the median and the 95th percentile, without the first call."""
    call()
    times, cpu_began = [], time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - cpu_began) / count
    times.sort()
    middle, late = times[count // 2], times[int(count * 0.95)]
    print(f"{what}: median {middle:.0f} ms, p95 {late:.0f} ms, {cpu:.0f} ms of a core")


def measure_archiver(home: Path, port: int) -> None:
    """Print how many jobs one archiver writes in a second."""
    from project.history import archiver
    from project.local.valkey import EmbeddedValkey
    from project.settings.values import get_settings
    from project.store.client import Store
    from project.store.commands import archive
    from tests.support.history import end_job, payload_of

    with EmbeddedValkey(home / "valkey", port):
        store = Store(get_settings().store_url)
        store.run(archive.switch(on=True))
        for number in range(ARCHIVED_JOBS):
            end_job(store, f"job-{number}", payload=payload_of(order={"id": number}))
        began = time.perf_counter()
        written = archiver.Archiver(store, "benchmark", frozenset({"report"})).archive_all()
        print(f"archived {written:,} jobs: {written / (time.perf_counter() - began):,.0f} a second")
        store.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
