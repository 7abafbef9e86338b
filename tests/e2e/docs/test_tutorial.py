"""The tutorial: every file is written and every command is run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.documents.guides import Block, GuideRunner, parse_blocks, parse_objects

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuideRunner]:
    """Has followed the whole tutorial."""
    reader = GuideRunner(tmp_path_factory.mktemp("tutorial") / "continuo")
    try:
        for block in parse_blocks():
            reader.run_block(block)
        yield reader
    finally:
        reader.close()


def parse_records(reader: GuideRunner, command: int) -> list[dict[str, Any]]:
    """The records that a command has printed."""
    return parse_objects(reader.outputs[command])


def parse_shown_answer(place: int) -> dict[str, Any]:
    """The fields that the page shows for an answer."""
    answers = [block for block in parse_blocks() if block.language == "json"]
    found: dict[str, Any] = json.loads(answers[place].code)
    return found


def test_each_block_is_written_run_or_compared() -> None:
    files = [block.file for block in parse_blocks() if block.language == "python"]
    starts = [block for block in parse_blocks() if block.language == "sh"]

    assert len(files) == len(set(files)) == 3
    assert starts == [Block("sh", "PYTHONPATH=../shop CONTINUO_TASKS=sums make up\n")]
    assert {block.language for block in parse_blocks()} == {"python", "sh", "bash", "json"}


def test_no_file_of_the_checkout_is_touched() -> None:
    written = [block.file for block in parse_blocks() if block.file]

    assert {Path(file).parent for file in written} == {Path("../shop")}


def test_an_invalid_order_is_refused(reader: GuideRunner) -> None:
    (refused,) = parse_records(reader, 1)

    assert refused.items() >= parse_shown_answer(0).items()
    assert "/sums" in reader.system.http.get("/openapi.json").json()["paths"]


def test_a_missing_file_is_looked_for_again(reader: GuideRunner) -> None:
    (first,), (last,) = parse_records(reader, 2), parse_records(reader, 3)

    assert first["kind"] == "sum"
    assert first["status"] in {"pending", "running", "retrying"}
    assert last.items() >= parse_shown_answer(1).items()
    assert "FileNotFoundError" in {error["class"] for error in last["errors"]}
    assert last["progress"]["note"] == "orders added up"


def test_an_invalid_amount_fails_at_once_and_the_job_is_found(reader: GuideRunner) -> None:
    (failed,), (found,) = parse_records(reader, 4), parse_records(reader, 5)

    assert (failed["status"], failed["attempts"]) == ("failed", 1)
    assert [error["class"] for error in failed["errors"]] == ["PermanentError"]
    assert [task["id"] for task in found["tasks"]] == [failed["id"]]


def test_the_repaired_job_succeeds_under_its_id(reader: GuideRunner) -> None:
    (failed,), (done,) = parse_records(reader, 4), parse_records(reader, 6)

    assert done["id"] == failed["id"]
    assert (done["status"], done["attempts"]) == ("success", 2)
    assert done["errors"] == failed["errors"]


def test_a_call_from_python_has_its_result(reader: GuideRunner) -> None:
    assert "{'orders': 2, 'total': 25.0}" in reader.outputs[7]


def test_the_tests_pass(reader: GuideRunner) -> None:
    assert "4 passed" in reader.outputs[8]


def test_the_kind_is_ordered_in_bulk_and_rerun_with_another_payload(reader: GuideRunner) -> None:
    http = reader.system.http
    order = {"kind": "sum", "file": "orders.csv", "delay": 3600}

    (outcome,) = http.post("/tasks/bulk", json={"tasks": [order]}).json()["tasks"]
    task = f"/tasks/{outcome['task']['id']}"
    http.delete(task)
    rerun = http.post(f"{task}/retry", json={"payload": {"file": "other.csv", "delay": 3600}})

    assert (outcome["status"], rerun.status_code) == (202, 202)
    assert http.get(f"{task}/payload").json()["kwargs"] == {"file": "other.csv"}


def test_the_console_shows_the_job_and_retries_another(reader: GuideRunner) -> None:
    (failed,) = parse_records(reader, 4)
    (reader.folder / "orders.csv").write_text("order,amount\n1,lots\n")
    again = reader.system.order("/sums", {"file": "orders.csv"})
    with (
        launch_browser() as chromium,
        visit_page(chromium, str(reader.system.http.base_url)) as page,
    ):
        page.get_by_role("link", name="Jobs").click()
        page.locator(f"a[href$='{failed['id']}']").click()
        expect(page.locator(".timeline").first).to_contain_text("PermanentError")

        page.goto(f"/console/jobs/{again['id']}")
        expect(page.locator(".head .badge")).to_have_text("failed")

        (reader.folder / "orders.csv").write_text("order,amount\n1,5\n")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".head .badge")).to_have_text("success")


def test_files_are_where_the_page_says(reader: GuideRunner) -> None:
    written = [Path(block.file) for block in parse_blocks() if block.file]

    assert all((reader.folder / path).exists() for path in written)
