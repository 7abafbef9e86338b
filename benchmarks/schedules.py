"""Measure what schedules cost: ``python -m benchmarks.schedules [--idle N] [--jobs N]``.

Prints the bytes in Valkey and the share of a core, in Valkey and in the workers, of schedules that
are not due; and what a job costs Valkey when a schedule makes it, beside the same job by POST.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKERS = 3
IDLE_SECONDS = 30.0
ROUND_SECONDS = 0.5
PLAN: dict[str, Any] = {
    "kind": "report",
    "kwargs": {
        "type": "monthly",
        "filters": {"department": "engineering", "month": "{{ month before due }}"},
    },
    "cron": "0 7 1 * *",
    "zone": "Europe/Berlin",
}
"""A usual schedule: the monthly report."""


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedules", description=__doc__)
    parser.add_argument("--idle", type=int, default=100_000, help="schedules that are not due")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs by each way")
    asked = parser.parse_args(arguments)
    from project.local.valkey import EmbeddedValkey
    from tests.support.ports import find_free_port

    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        port = find_free_port()
        os.environ |= {"DATA_DIR": name, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        with EmbeddedValkey(Path(name) / "valkey", port):
            measure_idle(asked.idle)
            measure_jobs(asked.jobs)
    return 0


def measure_idle(count: int) -> None:
    """Print what schedules cost that are not due."""
    from project.celery import app
    from project.records.schedule import Plan
    from project.schedules.firing import ScheduleRounds
    from project.schedules.timetable import Timetable
    from project.store.commands import schedules

    plan = Plan(**PLAN)
    due = Timetable(plan).find_next(int(time.time()))
    before = read_valkey("used_memory")
    for number in range(count):
        move = schedules.put(f"monthly-{number:06}", plan, due=due, fire_at=due)
        app.store.run(move)
    size = (read_valkey("used_memory") - before) / count
    rounds = [ScheduleRounds(app, app.store) for _ in range(WORKERS)]
    for each in rounds:
        each.work()

    def work() -> None:
        end = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < end:
            for each in rounds:
                each.work()
            time.sleep(ROUND_SECONDS)

    valkey, own = measure_cpu(work)
    print(f"{count:,} schedules that are not due: {size:.0f} bytes each")
    print(f"  {valkey / IDLE_SECONDS:.3%} of a core in Valkey,", end=" ")
    print(f"{own / IDLE_SECONDS:.3%} in {WORKERS} workers together")
    app.store.client.flushall()


def measure_jobs(count: int) -> None:
    """Print what a job costs Valkey, made by a schedule and by a POST."""
    from project.celery import app
    from project.records.schedule import Plan
    from project.schedules.firing import ScheduleRounds
    from project.schedules.jobs import build_message
    from project.store.commands import jobs, schedules

    plan, now = Plan(**PLAN), int(time.time())
    messages = [
        build_message(app, "monthly", plan, now, f"job-{number}") for number in range(count)
    ]

    def post() -> None:
        for message in messages:
            app.store.run(jobs.enqueue(message))

    posted, _ = measure_cpu(post)
    app.store.client.flushall()
    for number in range(count):
        move = schedules.put(f"monthly-{number}", plan, due=now, fire_at=now)
        app.store.run(move)
    rounds = ScheduleRounds(app, app.store)

    def fire() -> None:
        while rounds.work() == 0:
            pass

    fired, own = measure_cpu(fire)
    made = app.store.client.zcard("continuo:index:report@celery:pending")
    print(f"{made:,} jobs: {fired / count * 1e6:.0f} us in Valkey each by a schedule,", end=" ")
    print(f"{posted / count * 1e6:.0f} us by POST: {fired / posted:.2f} times as much")
    print(f"  {own / count * 1e6:.0f} us in the worker that fires them")


def measure_cpu(work: Callable[[], Any]) -> tuple[float, float]:
    """The seconds of CPU that Valkey and this process need for some work."""
    valkey, own = read_valkey_cpu(), time.process_time()
    work()
    return read_valkey_cpu() - valkey, time.process_time() - own


def read_valkey_cpu() -> float:
    """The seconds of CPU that Valkey has used."""
    return read_valkey("used_cpu_user") + read_valkey("used_cpu_sys")


def read_valkey(name: str) -> float:
    """A figure of Valkey's own."""
    from project.celery import app

    return float(app.store.client.info()[name])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
