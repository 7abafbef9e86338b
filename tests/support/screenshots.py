"""``python -m tests.support.screenshots``: the pictures in docs/pictures, of a system at work.

It takes ten minutes: the charts show what happened in them.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.support.playwright_browser import browser, visited
from tests.support.system import House
from tests.support.waiting import until

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
TYPES = ("monthly", "summary", "delays", "shop")
SECONDS = 600.0
EVERY = 3.0
FAULTS = "0.3"
BLAST = {
    "recipients": [f"guest{number}@example.com" for number in range(240)],
    "template": "news",
    "rate": 8,
    "tags": ["spring"],
}


def main() -> int:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="continuo-pictures-") as folder, browser() as program:
        house = House(Path(folder) / "house")
        house.folder.mkdir()
        try:
            house.start(CONTINUO_FAULT_RATE=FAULTS)
            work(house)
            take(program, house)
        finally:
            house.close()
    return 0


def work(house: House) -> None:
    """Something to see: reports of which some fail at first, mails, and a blast that goes on."""
    end, chance = time.monotonic() + SECONDS, random.Random(1)  # noqa: S311 - any number will do
    while time.monotonic() < end:
        for _ in range(chance.randint(0, 3)):
            house.order("/reports", {"type": chance.choice(TYPES), "tags": ["nightly"]})
        house.order("/emails", {"recipients": ["ada@example.com"], "template": "welcome"})
        time.sleep(EVERY * chance.random())
    house.order("/emails", BLAST)
    house.order("/reports", {"delay": 900, "tags": ["later"]})
    blasts = house.http.get("/tasks?tag=spring").json()["tasks"]
    until(lambda: house.record("/emails", blasts[0]["id"])["progress"], 60)


def take(program: Browser, house: House) -> None:
    """Each page as it looks."""
    url = str(house.http.base_url)
    with visited(program, url) as page:
        picture(page, "/", "console")
        picture(page, "/console/jobs?kind=report", "jobs")
        picture(page, f"/console/jobs/{retried(house)}", "job")
        picture(page, "/console/queues", "queues")
        picture(page, "/console/workers", "workers")
        picture(page, "/console/order?type=monthly", "order")
    with visited(program, url, scheme="dark") as page:
        picture(page, "/", "console-dark")
    with visited(program, url, size="phone") as page:
        picture(page, "/", "console-phone")


def retried(house: House) -> str:
    """A report that was made at its second attempt."""
    found: list[dict[str, Any]] = house.http.get(
        "/tasks?kind=report&status=success&limit=200"
    ).json()["tasks"]
    return next(str(task["id"]) for task in found if task["attempts"] > 1)


def picture(page: Page, path: str, name: str) -> None:
    """One page, whole."""
    page.goto(path)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    if path == "/":
        expect(page.locator("svg[role=img]")).to_have_count(2)
    expect(page.locator("main time, main form, main table").first).to_be_visible()
    page.screenshot(path=PICTURES / f"{name}.png", full_page=name != "jobs")


if __name__ == "__main__":
    sys.exit(main())
