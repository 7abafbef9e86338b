"""The page of a job in a browser: its log, its traceback, its attempts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.opentelemetry_packages import ensure_installed
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import wait_until

PACKAGES = ROOT / "tests" / "support" / "packages"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with jobs that log and fail."""
    system = System(tmp_path_factory.mktemp("watched"))
    system.start(
        PYTHONPATH=f"{PACKAGES}:{ensure_installed()}",
        CONTINUO_TASKS="watched.jobs",
        CONTINUO_WEBHOOK_ALLOW="127.0.0.1",
        CONTINUO_TRACE_URL="https://traces.example.com/trace/{trace}?tab=all",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{find_free_port()}",  # where nobody is
    )
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, watched: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(watched.http.base_url)) as page:
        yield page


def test_the_log_of_a_job_is_shown_from_a_level_on(page: Page, watched: System) -> None:
    job = watched.order("/talks", {"words": "tea", "warns": True})
    page.goto(f"/console/jobs/{job['id']}")
    lines = page.get_by_role("log").locator("p")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("about tea")
    expect(lines.nth(1)).to_contain_text("said tea")

    page.get_by_label("From level").select_option("warning")

    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("too loud")
    expect(page.get_by_text("1 of 3 lines.")).to_be_visible()
    assert find_barriers(page) == []


def test_a_job_that_runs_again_goes_on_in_its_log(page: Page, watched: System) -> None:
    job = watched.order("/breakdowns", {})
    page.goto(f"/console/jobs/{job['id']}")
    lines = page.get_by_role("log").locator("p")
    expect(lines).to_have_count(1)

    page.get_by_role("button", name="Retry").click()

    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("attempt 2")


def test_a_traceback_begins_with_the_lines_of_ones_own_code(page: Page, watched: System) -> None:
    job = watched.order("/breakdowns", {"how": "value"})
    page.goto(f"/console/jobs/{job['id']}")
    own = page.get_by_role("region", name="The lines of your code").first

    expect(own).to_contain_text("in look_up")
    expect(own).not_to_contain_text("site-packages")
    whole = page.get_by_text("Whole traceback").first
    expect(page.get_by_text("site-packages").first).not_to_be_visible()
    whole.click()
    expect(page.get_by_text("site-packages").first).to_be_visible()


def test_attempts_and_steps_are_drawn_to_scale(page: Page, watched: System) -> None:
    job = watched.order("/tries", {})
    page.goto(f"/console/jobs/{job['id']}")
    expect(page.locator(".head .badge")).to_have_text("success")

    drawing = page.get_by_role("img", name="Times of the attempts")
    expect(drawing).to_have_attribute(
        "aria-label", re.compile(r"Attempt 1 .*failed .*; Attempt 2 waits .*success .*; first")
    )
    widths = {
        title.text_content() or "": float(title.locator("..").get_attribute("width") or 0)
        for title in drawing.locator("title").all()
    }
    waited = next(width for words, width in widths.items() if "Attempt 2: waits" in words)
    assert waited == max(widths.values())
    assert find_barriers(page) == []


def test_an_attempt_that_slept_ran_before_and_after(page: Page) -> None:
    record = {
        "status": "success",
        "attempts": 1,
        "created_at": 100,
        "started_at": 160,
        "finished_at": 165,
        "steps": [
            {"name": "charge", "started_at": 102, "finished_at": 105},
            {"name": "nap", "started_at": 105, "finished_at": 158, "wait": "sleep"},
        ],
    }

    module = "import('/console/static/views/job/attempts.js')"
    found = page.evaluate(f"record => {module}.then(view => view.readRows(record, 200))", record)

    assert [(bar["look"], bar["from"], bar["to"]) for bar in found[0]["bars"]] == [
        ("queued", 100, 102),
        ("running", 102, 160),
        ("waits", 105, 158),
        ("success", 160, 165),
    ]


def test_console_and_flower_lead_to_each_other(page: Page, watched: System) -> None:
    flower = f"http://127.0.0.1:{watched.ports['FLOWER_PORT']}"

    def order_seen_job() -> str:
        """A job that Flower has seen; early ones it has not."""
        job = watched.order("/talks", {"words": "flower"})
        watched.wait_until_final("/talks", job["id"])
        seen = page.request.get(f"{flower}/task/{job['id']}").ok
        return str(job["id"]) if seen else ""

    job_id = wait_until(order_seen_job, 30.0)
    page.goto(f"/console/jobs/{job_id}")

    page.get_by_role("link", name="Show in Flower").click()
    page.wait_for_url("**/task/*")
    page.get_by_role("link", name="Show in the console").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(job_id)

    page.goto("/console/workers")
    page.get_by_role("link", name="in Flower").click()
    page.wait_for_url(re.compile("/worker/celery"))
    page.get_by_role("link", name="Show in the console").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")


def test_the_raw_record_is_at_hand(page: Page, watched: System) -> None:
    job = watched.order("/talks", {"words": "raw"})
    page.goto(f"/console/jobs/{job['id']}")

    page.get_by_text("Raw record").click()

    expect(page.get_by_text('"interruptions": 0')).to_be_visible()


def test_a_payload_is_a_tree_whose_paths_and_values_can_be_copied(
    page: Page, watched: System
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    job = watched.order("/talks", {"words": "green tea"})
    page.goto(f"/console/jobs/{job['id']}")
    leaf = page.locator(".leaf").filter(has_text="words")
    expect(leaf).to_contain_text('"green tea"')
    assert find_barriers(page) == []

    leaf.get_by_role("button", name="Copy the path payload.words").click()
    assert page.evaluate("navigator.clipboard.readText()") == "payload.words"

    leaf.get_by_role("button", name="Copy the value of payload.words").click()
    assert page.evaluate("navigator.clipboard.readText()") == "green tea"


def test_parts_of_a_tree_fold_and_stay_so_when_the_job_changes(page: Page) -> None:
    expect(page.get_by_role("heading", name="Newest jobs")).to_be_visible()
    page.evaluate(
        """async () => {
          const [{ tree }, { fill }] = await Promise.all(
            ["views/job/tree.js", "dom.js"].map((file) => import(`/console/static/${file}`)));
          const page = { say: () => {} };
          const place = document.querySelector("main");
          const valueOf = (total) => ({ order: { id: 17, total } });
          globalThis.draw = (total) => fill(place, tree(page, valueOf(total), "result"));
          draw(1);
        }"""
    )
    leaf = page.locator(".leaf").filter(has_text="total")
    expect(leaf).to_have_text(re.compile("total 1"))
    page.locator("summary").filter(has_text="order").click()
    expect(leaf).not_to_be_visible()

    page.evaluate("draw(2)")

    expect(leaf).to_have_text(re.compile("total 2"))
    expect(leaf).not_to_be_visible()


def test_a_failed_job_runs_again_with_an_edited_payload(page: Page, watched: System) -> None:
    job = watched.order("/breakdowns", {"how": "value", "number": 4711})
    page.goto(f"/console/jobs/{job['id']}")
    page.get_by_role("link", name="Retry with changes").click()
    number = page.get_by_label("number", exact=True)
    expect(number).to_have_value("4711")
    assert find_barriers(page) == []

    number.fill("4712")
    page.get_by_role("button", name="Retry", exact=True).click()

    expect(page.locator(".leaf").filter(has_text="number")).to_contain_text("4712")
    expect(page.get_by_text("the amount 4712 is too much").first).to_be_visible()
    record = watched.wait_until_final("/breakdowns", job["id"])
    assert record["attempts"] == 2
    changed = page.get_by_role("table", name="What a retry changed").locator("tbody tr")
    expect(changed).to_have_count(1)
    expect(changed).to_contain_text(re.compile("payload.number.*4712.*4711"))


def test_a_job_is_compared_with_the_one_of_its_kind_before_it(page: Page, watched: System) -> None:
    watched.order("/talks", {"words": "black tea"})
    job = watched.order("/talks", {"words": "white tea"})
    page.goto(f"/console/jobs/{job['id']}")
    expect(page.locator(".head .badge")).to_have_text("success")

    page.get_by_text("Compare with another job").click()

    row = page.get_by_role("table", name="What differs").get_by_role("row", name="payload.words")
    expect(row).to_contain_text("white tea")
    expect(row).to_contain_text("black tea")
    assert find_barriers(page) == []
    page.get_by_label("Its id").fill("nobody")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("There is no job with the id 'nobody'")).to_be_visible()


def test_the_callback_of_a_job_is_shown_and_sent_again(page: Page, watched: System) -> None:
    url = f"http://127.0.0.1:{watched.ports['PORT']}/health/live"  # answers 405
    job = watched.order("/talks", {"words": "call", "callback_url": url})
    page.goto(f"/console/jobs/{job['id']}")
    callback = page.get_by_role("region", name="Callback")
    expect(callback).to_contain_text("405")
    assert find_barriers(page) == []

    delivery = watched.http.get(f"/tasks/{job['id']}/delivery").json()
    watched.http.post(f"/tasks/{delivery['id']}/cancel")
    expect(callback.locator(".badge")).to_have_text("cancelled")
    callback.get_by_role("button", name="Send again").click()

    expect(page.get_by_text("The callback is sent again.")).to_be_visible()


def test_a_job_leads_to_its_trace_and_its_events(page: Page, watched: System) -> None:
    job = watched.order("/talks", {"words": "tea"})
    watched.wait_until_final("/tasks", job["id"])

    page.goto(f"/console/jobs/{job['id']}")
    trace = page.locator("dt", has_text="Trace").locator("+ dd").get_by_role("link")
    page.get_by_text("Events (").click()

    expect(trace).to_have_text(re.compile("^[0-9a-f]{32}$"))
    link = f"https://traces.example.com/trace/{trace.text_content()}?tab=all"
    expect(trace).to_have_attribute("href", link)
    events = page.locator("details[open] .timeline .badge")
    expect(events).to_have_text(["pending", "running", "success"])


def test_a_job_of_a_schedule_leads_to_it(page: Page, watched: System) -> None:
    order = {"kind": "talk", "words": "tea"}
    watched.http.put("/schedules/tea-time", json={"order": order, "cron": "0 16 * * *"})
    job_id = watched.http.post("/schedules/tea-time/run").json()["id"]

    page.goto(f"/console/jobs/{job_id}")
    page.get_by_role("link", name="tea-time").click()

    expect(page).to_have_url(re.compile("/console/schedules/tea-time$"))
