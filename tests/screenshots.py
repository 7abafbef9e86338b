"""``python -m tests.screenshots``: the pictures in docs/pictures, made of a system that works."""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browsing import browser, visited
from tests.house import House
from tests.patience import until

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
TYPES = ("monthly", "summary", "delays", "shop")
ROUNDS = 12
BLAST = {
    "recipients": [f"guest{number}@example.com" for number in range(240)],
    "template": "welcome",
    "rate": 20,
    "tags": ["spring"],
}


def main() -> int:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="continuo-pictures-") as folder, browser() as program:
        house = House(Path(folder) / "house")
        house.folder.mkdir()
        try:
            house.start(CONTINUO_FAULT_RATE="0.3")
            work(house)
            take(program, house)
        finally:
            house.close()
    return 0


def work(house: House) -> None:
    """Something to see: reports of which some fail at first, and a blast that goes on."""
    for number in range(ROUNDS):
        house.order("/reports", {"type": TYPES[number % len(TYPES)], "tags": ["nightly"]})
    until(lambda: not busy(house), 240)
    house.order("/emails", BLAST)
    house.order("/reports", {"delay": 900, "tags": ["later"]})
    for kind in TYPES:
        house.order("/reports", {"type": kind})


def busy(house: House) -> int:
    """How many jobs are not final."""
    counts = house.stats()["status_counts"]
    return int(counts["pending"] + counts["running"] + counts["retrying"])


def take(program: Browser, house: House) -> None:
    """Each page as it looks."""
    url = str(house.http.base_url)
    retried = [task for task in listed(house) if task["attempts"] > 1] or listed(house)
    with visited(program, url) as page:
        picture(page, "/", "console")
        picture(page, "/console/jobs", "jobs")
        picture(page, f"/console/jobs/{retried[0]['id']}", "job")
        picture(page, "/console/queues", "queues")
        picture(page, "/console/workers", "workers")
        picture(page, "/console/order?type=monthly", "order")
    with visited(program, url, scheme="dark") as page:
        picture(page, "/", "console-dark")
    with visited(program, url, size="phone") as page:
        picture(page, "/", "console-phone")


def listed(house: House) -> list[dict[str, object]]:
    """Reports that are done."""
    found: list[dict[str, object]] = house.http.get("/tasks?kind=report&status=success").json()[
        "tasks"
    ]
    return found


def picture(page: Page, path: str, name: str) -> None:
    """One page, whole."""
    page.goto(path)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(page.locator("#connection, main")).not_to_have_count(0)
    time.sleep(1)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())
