"""Webhook calls over HTTP, on a system that may call no internal address."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.programs.system import System

URL = "https://api.example.com/hooks?token=query-of-secrets"

WRONG = {
    "no URL": ({}, "url"),
    "another scheme": ({"url": "ftp://example.com/"}, "url"),
    "an internal address": ({"url": "http://169.254.169.254/latest/meta-data/"}, "url"),
    "this machine": ({"url": "http://127.0.0.1:8000/"}, "url"),
    "an address in disguise": ({"url": "http://0x7f000001/"}, "url"),
    "a method that is none": ({"url": URL, "method": "TRACE"}, "method"),
    "a header of ours": ({"url": URL, "headers": {"Host": "a"}}, "headers.Host"),
    "a line end in a header": ({"url": URL, "headers": {"X-A": "a\r\nB: c"}}, "headers.X-A"),
    "a header that is a number": ({"url": URL, "headers": {"X-A": 1}}, "headers"),
    "a body too large": ({"url": URL, "body": "x" * 262_145}, "body"),
    "too much time": ({"url": URL, "timeout": 61}, "timeout"),
    "a status that is none": ({"url": URL, "expect": [42]}, "expect"),
    "no attempts": ({"url": URL, "max_retries": 0}, "max_retries"),
    "an unknown field": ({"url": URL, "verify": False}, "verify"),
}


@pytest.fixture
def internal() -> Iterator[socket.socket]:
    """A server of this machine that must not be called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG)
def test_an_invalid_order_is_a_422_that_names_the_field(
    system: System, body: dict[str, Any], field: str
) -> None:
    before = system.stats()["total_tasks"]
    answer = system.http.post("/webhooks", json=body)
    assert answer.status_code == 422

    (fault,) = answer.json()["errors"]
    assert field in (fault.get("field") or fault["pointer"])
    assert "query-of-secrets" not in answer.text
    assert system.stats()["total_tasks"] == before


def test_a_host_name_of_this_machine_is_not_called_and_fails_the_job(
    system: System, internal: socket.socket
) -> None:
    url = f"http://localhost:{internal.getsockname()[1]}/"
    record = system.order("/webhooks", {"url": url, "headers": {"X-Key": "header-of-secrets"}})
    last = system.wait_until_final("/webhooks", record["id"])
    assert (last["kind"], last["status"], last["attempts"]) == ("webhook", "failed", 1)
    assert "localhost is not on the public internet" in last["error"]

    with pytest.raises(BlockingIOError):
        internal.accept()

    (listed,) = system.http.get("/webhooks?limit=1").json()["tasks"]
    assert listed == {name: value for name, value in last.items() if name != "errors"}
    assert system.program
    assert "header-of-secrets" not in system.program.output


def test_calls_in_bulk_are_checked_one_by_one(system: System) -> None:
    tasks = [
        {"kind": "webhook", "url": "http://nobody.invalid/", "max_retries": 1},
        {"kind": "webhook", "url": "http://10.0.0.1/"},
    ]
    outcome = system.http.post("/tasks/bulk", json={"tasks": tasks}).json()

    assert [one["status"] for one in outcome["tasks"]] == [202, 422]
    assert outcome["tasks"][1]["problem"]["errors"][0]["field"] == "url"
