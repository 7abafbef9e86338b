"""The pages of kinds in a browser: how each does, what it takes, and a form to order one."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System

PACKAGES = ROOT / "tests" / "support" / "packages"
HELD = {"kind": "break_down", "concurrency": 3}
NIGHTLY = {"order": {"kind": "break_down"}, "cron": "0 3 * * *"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system in which a kind has failed, and has a limit, a breaker and a schedule."""
    system = System(tmp_path_factory.mktemp("kinds"))
    system.start(PYTHONPATH=str(PACKAGES), CONTINUO_TASKS="watched.jobs")
    for number in range(2):
        job = system.order("/breakdowns", {"how": "value", "number": number})
        system.wait_until_final("/breakdowns", job["id"])
    talk = system.order("/talks", {"words": "tea"})
    system.wait_until_final("/talks", talk["id"])
    assert system.http.put("/limits/few", json=HELD).is_success
    assert system.http.put("/breakers/break_down", json={"share": 0.9, "of": 50}).is_success
    assert system.http.put("/schedules/by-night", json=NIGHTLY).is_success
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, watched: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(watched.http.base_url)) as page:
        yield page


def test_the_kinds_are_listed_with_their_failures_and_run_times(page: Page) -> None:
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Kinds", exact=True).click()
    row = page.get_by_role("table", name="Kinds").get_by_role("row")

    expect(row.filter(has_text="break_down")).to_contain_text("100.0 %")
    talk = row.filter(has_text="talk")
    expect(talk).to_contain_text("0.0 %")
    expect(talk).to_contain_text(re.compile(r"\d m?s"))
    assert find_barriers(page) == []


def test_the_page_of_a_kind_has_all_that_belongs_to_it(page: Page) -> None:
    page.goto("/console/kinds/break_down")
    expect(page.locator(".head")).to_contain_text("2 failed")
    expect(page.locator(".head")).to_contain_text("100.0 % of 2")

    causes = page.get_by_role("table", name="Causes")
    expect(causes).to_contain_text("ValueError: the amount <*> is too much")
    expect(page.get_by_role("table", name="Jobs")).to_contain_text("failed")
    expect(page.get_by_role("table", name="Limits")).to_contain_text("few")
    expect(page.get_by_role("table", name="Breakers")).to_contain_text("90 % of 50 attempts")
    expect(page.get_by_role("table", name="Schedules")).to_contain_text("by-night")
    field = page.get_by_role("table", name="Payload").get_by_role("row", name="number")
    expect(field).to_contain_text("a whole number")
    assert find_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_job_is_ordered_on_the_page_of_its_kind(page: Page) -> None:
    page.goto("/console/kinds/talk")
    page.get_by_text("Order one").click()
    page.get_by_label("words", exact=True).fill("mint")
    assert find_barriers(page) == []

    page.get_by_role("button", name="Order", exact=True).click()

    expect(page.locator(".head .badge")).to_have_text("success")
    expect(page.locator(".leaf").filter(has_text="words")).to_contain_text("mint")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 20}, "a whole number, 1 to 20"),
        (
            {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]},
            "text, at most 9 characters",
        ),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, 'a list of one of "a", "b"'),
        ({"$ref": "#/$defs/Day"}, "text (date)"),
        ({}, "anything"),
    ],
)
def test_a_schema_is_said_in_words(page: Page, schema: dict[str, object], words: str) -> None:
    root = {"$defs": {"Day": {"type": "string", "format": "date"}}}
    module = "import('/console/static/views/kinds/payload-words.js')"

    said = page.evaluate(
        f"([schema, root]) => {module}.then((one) => one.inWords(schema, root))", [schema, root]
    )

    assert said == words
