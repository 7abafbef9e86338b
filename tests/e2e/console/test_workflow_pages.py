"""The pages of workflows in a browser: the list, the graph, the nodes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import wait_until

PACKAGES = ROOT / "tests" / "support" / "packages"
FOLDED = "guests"
LOADS = 5
"""The page is loaded so often; what else the machine does slows some of them down."""

PAINTED = """async () => {
  while (!document.querySelector('svg.graph a')) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  await new Promise((resolve) => setTimeout(resolve));
  return performance.now();
}"""
"""The milliseconds from the start of the navigation to the first frame with the graph."""


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with jobs for workflows."""
    system = System(tmp_path_factory.mktemp("flows"))
    system.start(PYTHONPATH=str(PACKAGES), CONTINUO_TASKS="watched.flows")
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, flows: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(flows.http.base_url)) as page:
        yield page


def stay(name: str, *after: str, **options: Any) -> dict[str, Any]:
    """A node that does nothing."""
    return {"id": name, "kind": "stay", "after": list(after), **options}


def order(system: System, name: str, *nodes: dict[str, Any]) -> str:
    """Order a workflow; its id."""
    return str(system.order("/workflows", {"name": name, "nodes": list(nodes)})["id"])


def order_bills(system: System, **guests: int) -> str:
    """Order a workflow with a fan-out."""
    return order(
        system,
        "bills",
        {"id": FOLDED, "kind": "list_guests", "payload": guests},
        {
            "id": "bill",
            "kind": "bill",
            "for_each": {"$from": f"{FOLDED}.result.rows"},
            "payload": {"$from": "item"},
            "on_failure": "continue",
        },
        {"id": "sum", "kind": "sum_up", "payload": {"names": {"$from": "bill.result"}}},
    )


def wait_for_end(system: System, workflow_id: str) -> Any:
    """Wait until the workflow has ended; the workflow."""

    def find() -> Any:
        shown = system.http.get(f"/workflows/{workflow_id}").json()
        return shown if shown["finished_at"] else None

    return wait_until(find, 60)


def node(page: Page, name: str) -> Locator:
    """A node of the graph."""
    return page.locator("svg.graph").get_by_role("link", name=re.compile(f"^{re.escape(name)}"))


def test_the_list_has_workflows_of_a_status(page: Page, flows: System) -> None:
    ended = order(flows, "over and done", stay("a"))
    wait_for_end(flows, ended)
    order(flows, "still to come", stay("a", delay=3600))
    page.goto("/")
    page.get_by_role("link", name="Workflows").click()
    names = page.locator("td.id")
    expect(names.filter(has_text="over and done")).to_have_count(1)

    page.get_by_role("link", name="running", exact=True).click()

    expect(names.filter(has_text="still to come")).to_have_count(1)
    expect(names.filter(has_text="over and done")).to_have_count(0)
    assert find_barriers(page) == []


def test_the_graph_follows_a_workflow_to_its_end(page: Page, flows: System) -> None:
    workflow_id = order(flows, "two", stay("first", delay=3600), stay("second", "first"))
    page.goto(f"/console/workflows/{workflow_id}")
    expect(node(page, "first: pending")).to_be_visible()
    expect(node(page, "second: blocked")).to_have_attribute("aria-disabled", "true")

    page.get_by_role("button", name="Cancel").click()
    expect(node(page, "second: stopped")).to_be_visible()
    page.get_by_role("button", name="Retry").click()

    expect(node(page, "first: success")).to_be_visible()
    expect(node(page, "second: success")).to_be_visible()
    expect(page.locator(".head .badge")).to_have_text("success")


def test_the_arrow_keys_go_along_the_edges_and_enter_opens_the_job(
    page: Page, flows: System
) -> None:
    nodes = (stay("a"), stay("b1", "a"), stay("b2", "a"), stay("c", "b1", "b2"))
    workflow_id = order(flows, "diamond", *nodes)
    ended = wait_for_end(flows, workflow_id)
    page.goto(f"/console/workflows/{workflow_id}")
    node(page, "a").focus()

    for key, name in (("ArrowRight", "b1"), ("ArrowDown", "b2"), ("ArrowRight", "c")):
        page.keyboard.press(key)
        expect(node(page, name)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")

    jobs = {each["id"]: each["task"] for each in ended["page"]}
    expect(page).to_have_url(re.compile(f"/console/jobs/({jobs['b1']}|{jobs['b2']})$"))


def test_a_fan_out_is_one_node_with_counts_and_leads_to_its_rows(page: Page, flows: System) -> None:
    workflow_id = order_bills(flows, guests=12, unpaid=2)
    wait_for_end(flows, workflow_id)
    page.goto(f"/console/workflows/{workflow_id}")
    folded = node(page, "bill \N{MULTIPLICATION SIGN}12")
    expect(folded).to_contain_text("10 done, 2 failed")

    folded.click()

    expect(page.get_by_role("heading", name="Rows of bill")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(12)
    page.get_by_role("link", name="failed", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("guest 0 does not pay")
    assert find_barriers(page) == []


def test_the_critical_path_is_the_way_that_takes_longest(page: Page, flows: System) -> None:
    nodes = (stay("a"), stay("slow", "a", delay=2), stay("quick", "a"), stay("z", "slow", "quick"))
    workflow_id = order(flows, "race", *nodes)
    wait_for_end(flows, workflow_id)

    page.goto(f"/console/workflows/{workflow_id}")

    expect(page.locator(".path")).to_contain_text("through a → slow → z.")
    expect(page.locator(".edge.critical")).to_have_count(2)
    expect(node(page, "slow")).to_have_accessible_name(re.compile("on the critical path"))
    expect(node(page, "quick")).not_to_have_accessible_name(re.compile("on the critical path"))


def test_a_batch_has_counts_and_a_table_and_no_graph(page: Page, flows: System) -> None:
    jobs = [{"kind": "stay"}, {"kind": "stay"}]
    about = {"name": "night", "closed": True, "on_complete": {"kind": "stay"}, "jobs": jobs}
    batch_id = flows.order("/batches", about)["id"]
    wait_for_end(flows, batch_id)

    page.goto(f"/console/workflows/{batch_id}")

    expect(page.locator(".head")).to_contain_text("2 of 2")
    expect(page.get_by_role("link", name="on_complete")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("svg.graph")).to_have_count(0)


def test_a_job_leads_to_its_workflow(page: Page, flows: System) -> None:
    workflow_id = order(flows, "one and only", stay("single"))
    ended = wait_for_end(flows, workflow_id)
    page.goto(f"/console/jobs/{ended['page'][0]['task']}")

    page.get_by_role("region", name="Part of").get_by_role("link", name="workflow").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("one and only")


def test_a_failed_node_stops_the_workflow_and_is_named(page: Page, flows: System) -> None:
    workflow_id = order(flows, "broken", {"id": "bad", "kind": "fail"}, stay("next", "bad"))
    wait_for_end(flows, workflow_id)

    page.goto(f"/console/workflows/{workflow_id}")

    expect(page.get_by_text("Stopped: bad failed.")).to_be_visible()
    expect(node(page, "next: stopped")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("it was to fail")


def test_the_page_of_a_job_draws_its_canvas(page: Page, flows: System) -> None:
    sender = flows.order("/chords", {})
    last = flows.wait_until_final("/tasks", sender["id"])["result"]
    wait_until(lambda: flows.http.get(f"/tasks/{last}").is_success, 30)
    flows.wait_until_final("/tasks", last)
    page.goto(f"/console/jobs/{last}")
    expect(node(page, "stay (this job): success")).to_be_visible()

    page.locator("svg.graph a").first.click()

    expect(page).to_have_url(re.compile(sender["id"]))
    expect(node(page, "send_chord (this job)")).to_be_visible()
    expect(page.locator("svg.graph a")).to_have_count(6)
    expect(page.locator("svg.graph .edge")).to_have_count(6)
    assert find_barriers(page) == []


def test_a_job_that_waits_asks_and_a_button_answers(page: Page, flows: System) -> None:
    job = flows.order("/questions", {})
    page.goto(f"/console/jobs/{job['id']}")
    expect(page.get_by_text("Pay it?", exact=True)).to_be_visible()

    page.get_by_role("button", name="Pay", exact=True).click()

    assert flows.wait_until_final("/tasks", job["id"])["result"] == {"pays": True}


def test_a_job_that_waits_for_any_signal_takes_json(page: Page, flows: System) -> None:
    job = flows.order("/questions", {"chooses": False})
    page.goto(f"/console/jobs/{job['id']}")
    page.on("dialog", lambda dialog: dialog.accept('{"pays": "later"}'))

    page.get_by_role("button", name="Send the signal").click()

    assert flows.wait_until_final("/tasks", job["id"])["result"] == {"pays": "later"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_page_of_a_workflow_has_no_barriers(
    chromium: Browser, flows: System, scheme: str, size: str
) -> None:
    workflow_id = order_bills(flows, guests=3)
    wait_for_end(flows, workflow_id)

    with visit_page(chromium, str(flows.http.base_url), scheme=scheme, size=size) as page:
        page.goto(f"/console/workflows/{workflow_id}")
        expect(node(page, "sum: success")).to_be_visible()

        assert find_barriers(page) == []


def order_layers(system: System, layers: int, width: int) -> str:
    """Order a workflow that does not start: nodes in layers, each after two of the one before."""

    def build(layer: int, place: int) -> dict[str, Any]:
        if not layer:
            return stay(f"n0-{place}", delay=3600)
        after = {f"n{layer - 1}-{place}", f"n{layer - 1}-{(place + 1) % width}"}
        return stay(f"n{layer}-{place}", *after)

    places = [(layer, place) for layer in range(layers) for place in range(width)]
    return order(system, f"{layers} layers", *(build(*place) for place in places))


def test_a_graph_of_500_nodes_is_painted_within_a_second(page: Page, flows: System) -> None:
    workflow_id = order_layers(flows, 25, 20)

    milliseconds = []
    for _ in range(LOADS):
        page.goto(f"/console/workflows/{workflow_id}", wait_until="commit")
        milliseconds.append(page.evaluate(PAINTED))

    assert page.locator("svg.graph a").count() == 500
    assert min(milliseconds) < 1_000


def test_of_10_000_nodes_the_page_draws_the_first_and_lists_all(page: Page, flows: System) -> None:
    workflow_id = order_layers(flows, 500, 20)
    page.goto(f"/console/workflows/{workflow_id}")

    expect(page.get_by_text("The graph has the first 1,000 nodes.")).to_be_visible()
    expect(page.locator("svg.graph a")).to_have_count(1_000)
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Further").click()

    expect(page.locator("tbody tr").first).to_contain_text("n5-0")
