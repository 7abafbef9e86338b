"""The console while hundreds of events a second arrive."""

import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsers.playwright_browser import visit_page
from tests.support.programs.system import System

EVENTS_PER_SECOND = 500
SECONDS = 6
MAX_ORDERS = 50
MAX_FRAME_MILLISECONDS = 50
MEASURE = """() => {
  window.frames_seen = [];
  let last = performance.now();
  const frame = (now) => {
    window.frames_seen.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that keeps all these jobs to itself."""
    system = System(tmp_path_factory.mktemp("many"))
    system.start()
    yield system
    system.close()


def order_for_seconds(system: System) -> int:
    """Order so many jobs a second, each of which is an event; returns how many."""
    began, count = time.monotonic(), 0
    while (passed := time.monotonic() - began) < SECONDS:
        if count < passed * EVENTS_PER_SECOND:
            orders = [{"kind": "report", "delay": 3600}] * MAX_ORDERS
            assert system.http.post("/tasks/bulk", json={"tasks": orders}).is_success
            count += MAX_ORDERS
    return count


@pytest.mark.parametrize("path", ["/", "/console/jobs?status=pending"])
def test_500_events_a_second_do_not_make_the_page_late(
    chromium: Browser, own_system: System, path: str
) -> None:
    with visit_page(chromium, str(own_system.http.base_url)) as page:
        page.goto(path)
        expect(page.locator("#connection")).to_have_text("Live")
        before = own_system.stats()["status_counts"]["pending"]
        page.evaluate(MEASURE)

        count = order_for_seconds(own_system)
        frames: list[float] = page.evaluate("window.frames_seen")
        shown = f"{before + count:,}"

        assert count >= EVENTS_PER_SECOND * SECONDS
        assert quantiles(frames, n=20)[-1] <= MAX_FRAME_MILLISECONDS, describe(frames)
        expect(page.locator("main")).to_contain_text(shown)


def describe(frames: list[float]) -> dict[str, Any]:
    """How late the page was."""
    late = [round(frame) for frame in frames if frame > MAX_FRAME_MILLISECONDS]
    return {"frames": len(frames), "late": late}
