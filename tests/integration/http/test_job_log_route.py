"""GET /tasks/{id}/logs on a running API: filtered, followed, and only for those who see the job."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from project.artifacts.links import resolve_link
from project.local.valkey import EmbeddedValkey
from project.logs.sender import encode
from project.records.log_line import JobLogLine, LogFile
from project.store.client import Store
from project.store.commands import jobs, logs
from tests.support.event_listeners import api_on
from tests.support.job_commands import fail, message, start
from tests.support.programs.api_process import ApiProcess

PATH = "/tasks/a/logs"


@pytest.fixture(scope="module")
def api(valkey: EmbeddedValkey) -> Iterator[ApiProcess]:
    """An API for all tests of this module."""
    with api_on(valkey) as process:
        yield process


@pytest.fixture(autouse=True)
def job(store: Store) -> None:
    """A job that runs and has logged two lines."""
    store.run(jobs.enqueue(message("a")))
    start(store, "a")
    add_line(store, JobLogLine(1.5, 1, "info", "shop", "one"))
    add_line(store, JobLogLine(2.5, 2, "error", "shop", "two"))


def add_line(store: Store, line: JobLogLine) -> None:
    store.run(logs.append(line.message, {"a": encode(line) + b"\n"}))


def test_the_lines_of_a_job_are_shown(api: ApiProcess) -> None:
    answer = api.get(PATH).json()

    assert answer["lines"][0] == {
        "at": 1.5,
        "attempt": 1,
        "level": "info",
        "logger": "shop",
        "message": "one",
    }
    assert (len(answer["lines"]), answer["dropped"], answer["ended"]) == (2, 0, False)


def test_the_whole_log_of_an_attempt_is_offered_as_a_file(api: ApiProcess, store: Store) -> None:
    key = f"2026-11-27/{'a' * 64}.gz"
    store.run(logs.add_file("a", LogFile(1, 9, 2, 70, key, "log-a-1.jsonl.gz")))

    (file,) = api.get(PATH).json()["files"]

    assert resolve_link(file.pop("download_url").rpartition("/")[2]).key == key
    assert file == {
        "attempt": 1,
        "lines": 9,
        "left_out": 2,
        "size": 70,
        "filename": "log-a-1.jsonl.gz",
    }


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ("level=warning", ["two"]),
        ("attempt=1", ["one"]),
        ("attempt=3", []),
    ],
    ids=str,
)
def test_lines_are_chosen_by_attempt_and_level(
    api: ApiProcess, query: str, messages: list[str]
) -> None:
    answer = api.get(f"{PATH}?{query}").json()

    assert [line["message"] for line in answer["lines"]] == messages


@pytest.mark.parametrize("query", ["level=loud", "attempt=0", "after=-1"], ids=str)
def test_an_impossible_choice_is_refused(api: ApiProcess, query: str) -> None:
    answer = api.get(f"{PATH}?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


def test_who_follows_a_job_gets_the_next_line_when_it_is_there(
    api: ApiProcess, store: Store
) -> None:
    place = api.get(PATH).json()["next"]

    with ThreadPoolExecutor(1) as pool:
        headers = {"Prefer": "wait=20"}
        waiting = pool.submit(api.get, f"{PATH}?after={place}", headers=headers, timeout=25)
        add_line(store, JobLogLine(3.5, 2, "info", "shop", "three"))
        answer = waiting.result(25).json()

    assert [line["message"] for line in answer["lines"]] == ["three"]


def test_who_follows_a_job_hears_that_it_ended(api: ApiProcess, store: Store) -> None:
    place = api.get(PATH).json()["next"]

    fail(store, "a")

    answer = api.get(f"{PATH}?after={place}", headers={"Prefer": "wait=20"}, timeout=25).json()
    assert (answer["lines"], answer["ended"]) == ([], True)


def test_a_job_that_is_not_there_has_no_log(api: ApiProcess) -> None:
    assert api.get("/tasks/nobody/logs").status_code == 404
