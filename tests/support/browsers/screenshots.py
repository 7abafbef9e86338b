"""Take the pictures in docs/pictures: ``python -m tests.support.browsers.screenshots``.

It starts a system and gives it work for ten minutes, so that the charts have something to show.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
REPORT_TYPES = ("monthly", "summary", "delays", "shop")
WORK_SECONDS = 600.0
MAX_PAUSE_SECONDS = 3.0
FAULT_RATE = "0.3"
MAILING = {
    "recipients": [f"guest{number}@example.com" for number in range(240)],
    "template": "welcome",
    "rate": 8,
    "tags": ["spring"],
}


def main() -> int:
    """Start a system, give it work and write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="continuo-pictures-") as folder,
        launch_browser() as program,
    ):
        system = System(Path(folder) / "system")
        system.folder.mkdir()
        try:
            system.start(CONTINUO_FAULT_RATE=FAULT_RATE)
            create_work(system)
            take_screenshots(program, system)
        finally:
            system.close()
    return 0


def order_month_end(system: System) -> str:
    """Order a workflow that runs while its picture is taken; its id."""

    def build(name: str, *after: str, **options: Any) -> dict[str, Any]:
        about = {"id": name, "kind": "report", "on_failure": "continue"}
        return about | {"payload": {}, "after": list(after), **options}

    nodes = [
        build("orders"),
        build("rates"),
        build("invoices", "orders", "rates"),
        build("reminders", "orders", delay=3),
        build("ledger", "invoices", delay=1),
        build("customers", "invoices"),
        build("close", "ledger", "reminders", "customers", delay=900),
        build("archive", "close", "rates"),
    ]
    made = str(system.order("/workflows", {"name": "month end", "nodes": nodes})["id"])
    wait_until(lambda: system.http.get(f"/workflows/{made}").json()["nodes"]["ended"] == 6, 60)
    return made


def create_work(system: System) -> None:
    """Order reports (some fail at first), mails, and a blast that is still running at the end."""
    end, chance = time.monotonic() + WORK_SECONDS, random.Random(1)  # noqa: S311 - any number will do
    while time.monotonic() < end:
        for _ in range(chance.randint(0, 3)):
            system.order("/reports", {"type": chance.choice(REPORT_TYPES), "tags": ["nightly"]})
        system.order("/emails", {"recipients": ["ada@example.com"], "template": "welcome"})
        time.sleep(MAX_PAUSE_SECONDS * chance.random())
    system.order("/emails", MAILING)
    system.order("/reports", {"delay": 900, "tags": ["later"]})
    blasts = system.http.get("/tasks?tag=spring").json()["tasks"]
    wait_until(lambda: system.record("/emails", blasts[0]["id"])["progress"], 60)


def take_screenshots(program: Browser, system: System) -> None:
    """Take the picture of each page."""
    url = str(system.http.base_url)
    with visit_page(program, url) as page:
        take_screenshot(page, "/", "console")
        take_screenshot(page, "/console/jobs?kind=report", "jobs")
        take_screenshot(page, f"/console/jobs/{find_retried_report(system)}", "job")
        take_screenshot(page, f"/console/workflows/{order_month_end(system)}", "workflow")
        take_screenshot(page, "/console/errors", "errors")
        take_screenshot(page, "/console/queues", "queues")
        take_screenshot(page, "/console/workers", "workers")
        take_screenshot(page, "/console/order?type=monthly", "order")
    with visit_page(program, url, scheme="dark") as page:
        take_screenshot(page, "/", "console-dark")
    with visit_page(program, url, size="phone") as page:
        take_screenshot(page, "/", "console-phone")


def find_retried_report(system: System) -> str:
    """The id of a report that took more than one attempt."""
    found: list[dict[str, Any]] = system.http.get(
        "/tasks?kind=report&status=success&limit=200"
    ).json()["tasks"]
    return next(str(task["id"]) for task in found if task["attempts"] > 1)


def take_screenshot(page: Page, path: str, name: str) -> None:
    """Wait until the page has loaded its data, then write its picture."""
    page.goto(path)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    if path == "/":
        expect(page.locator("svg[role=img]")).to_have_count(2)
    content = "main form" if path.startswith("/console/order") else "main time, main table"
    expect(page.locator(content).filter(visible=True).first).to_be_visible()
    page.screenshot(path=PICTURES / f"{name}.png", full_page=name != "jobs")


if __name__ == "__main__":
    sys.exit(main())
