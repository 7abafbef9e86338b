"""Pictures of every view with many jobs: ``python -m tests.support.browsers.gallery FOLDER``.

It fills a system with ended jobs of ten kinds, without running them, and with a history of 90 days.
The pictures are light, dark and of a phone.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import batched
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Browser, expect

from project.records.cause import Filing
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, queues
from project.store.commands.attempts import Verdict
from project.store.commands.command import Command
from project.store.commands.message import Message
from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.programs.system import System

KINDS = (
    "customer_statement", "invoice", "newsletter", "thumbnail", "import_orders",
    "search_index", "exchange_rates", "warehouse_sync", "fraud_score", "gdpr_export",
)  # fmt: skip
QUEUE = "filled"
BATCH_JOBS = 100
THREADS = 4
DAYS = 90
JOBS_PER_DAY = 2_000
FAILED_OF = 40
ERRORS = (
    "ConnectionError: the warehouse at 10.0.3.7:{number} does not answer",
    "KeyError: 'order {number}'",
    "ValueError: the amount {number}.00 EUR is more than the limit of this customer, which is 500",
)
VIEWS = {
    "overview": "/",
    "overview-quarter": "/?range=quarter&by=queue",
    "jobs": "/console/jobs",
    "jobs-failed": "/console/jobs?status=failed",
    "errors": "/console/errors",
    "history": "/console/history",
    "queues": "/console/queues",
    "schedules": "/console/schedules",
    "limits": "/console/limits",
    "workers": "/console/workers",
    "new": "/console/new",
    "order": "/console/order",
    "recipients": "/console/recipients",
    "search": "/console/search?text=order",
}
LOOKS = (("light", "wide"), ("dark", "wide"), ("light", "phone"))


def main(arguments: list[str]) -> int:
    """Fill a system and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="continuo-gallery-") as name:
        system = System(Path(name) / "system")
        system.folder.mkdir()
        write_history(system)
        try:
            system.start(CONTINUO_HISTORY="1", CONTINUO_EXCLUDED_QUEUES=QUEUE)
            fill_store(system, asked.jobs)
            order_some(system)
            with launch_browser() as program:
                for scheme, size in LOOKS:
                    take_pictures(program, system, asked.folder, scheme, size)
        finally:
            system.close()
    return 0


def write_history(system: System) -> None:
    """Write the files of the days before today."""
    os.environ["DATA_DIR"] = str(system.folder)
    from benchmarks.history import list_days, write_day

    for number, day in enumerate(list_days(DAYS)):
        write_day(day, number * JOBS_PER_DAY, JOBS_PER_DAY)


def fill_store(system: System, count: int) -> None:
    """Store so many ended jobs; their messages are thrown away."""
    store = Store(system.redis_url)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(partial(end_jobs, store), batched(range(count), BATCH_JOBS)):
            pass
    for name in store.run(queues.list_lists(QUEUE)):
        store.client.delete(name)
    store.close()


def end_jobs(store: Store, numbers: tuple[int, ...]) -> None:
    """Enqueue some jobs, start them and let them end; one in forty fails."""
    messages = list(build_messages(numbers))
    store.run(jobs.enqueue_many(messages))
    for number, each in zip(numbers, messages, strict=True):
        store.run(attempts.start(each.id, retries=0, token="t"))
        store.run(fail(each.id, number) if number % FAILED_OF == 0 else succeed(each.id))


def build_messages(numbers: tuple[int, ...]) -> Iterator[Message]:
    """A message for each number."""
    for number in numbers:
        kind = KINDS[number % len(KINDS)]
        payload = f'[[], {{"order": {number}, "email": "customer{number}@example.com"}}]'
        tags = (f"customer-{number % 97}",)
        yield Message(str(uuid4()), kind, QUEUE, "{}", payload, 3, tags=tags)


def succeed(job_id: str) -> Command[Verdict]:
    """The command that ends a job well."""
    return attempts.succeed(job_id, token="t", result='{"rows": 120}', result_message="{}")


def fail(job_id: str, number: int) -> Command[Verdict]:
    """The command that ends a job badly, for one of a few causes."""
    place = number // FAILED_OF % len(ERRORS)
    error = ERRORS[place].format(number=number)
    filing = Filing(f"{place:012x}", ERRORS[place].format(number="<*>"))
    return attempts.fail(
        job_id,
        token="t",
        status=TaskStatus.FAILED,
        error=f"Traceback (most recent call last):\n  ...\n{error}",
        exception="{}",
        result_message="{}",
        filing=filing,
    )


def order_some(system: System) -> None:
    """Order what runs, waits and is held while the pictures are taken."""
    blast = {"recipients": [f"guest{number}@example.com" for number in range(900)], "rate": 3}
    system.order("/emails", blast | {"template": "welcome", "tags": ["spring"]})
    for delay in (900, 7_200, 40_000):
        system.order("/reports", {"delay": delay, "tags": ["later"]})
    nightly = {"order": {"kind": "report", "type": "summary"}, "cron": "30 3 * * *"}
    system.http.put("/schedules/nightly-summary", json=nightly)
    system.http.put("/switches/no-exports", json={"tag": "exports", "until": 4_000_000_000})
    system.http.put("/limits/one-customer", json={"tag": "customer-1", "concurrency": 2})
    system.http.put("/breakers/report", json={"share": 0.5, "of": 20})
    system.order("/reports", {"tags": ["exports"]})


def take_pictures(program: Browser, system: System, folder: Path, scheme: str, size: str) -> None:
    """Write a picture of each view, and of a job, a cause and a schedule."""
    (failed,) = system.http.get("/tasks?status=failed&limit=1").json()["tasks"]
    views = VIEWS | {
        "job": f"/console/jobs/{failed['id']}",
        "cause": f"/console/errors/{failed['cause']}",
        "schedule": "/console/schedules/nightly-summary",
    }
    with visit_page(program, str(system.http.base_url), scheme=scheme, size=size) as page:
        for name, path in views.items():
            page.goto(path)
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("[aria-busy]")).to_have_count(0)
            if name.startswith("overview"):
                expect(page.locator(".charts svg").first).to_be_visible()
                expect(page.get_by_role("heading", name="What needs a person now")).to_be_visible()
            page.screenshot(path=folder / f"{name}-{scheme}-{size}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
