"""Both Python clients against a running system: each method, and an API that is killed."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from continuo_client import (
    Client,
    Conflict,
    InvalidOrder,
    JobCancelled,
    JobFailed,
    Node,
    NotFinished,
    NotFound,
    Order,
    Unauthorized,
    UnknownKind,
    verify_callback,
)

from tests.support.clients.examples import read_example
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.servers.scripted_http import ScriptedHttpServer
from tests.support.waiting import PATIENCE, wait_until

INVOICE = {"customer": "ACME", "lines": [{"text": "work", "amount": 19.9}]}
WAIT_SECONDS = 40 * PATIENCE
ARCHIVE_SECONDS = 40.0

pytestmark = pytest.mark.timeout(240)


@dataclass
class Line:
    text: str
    amount: float


@dataclass
class Invoice:
    customer: str
    lines: list[Line]


@pytest.fixture
def tag() -> str:
    """A tag that no other test uses."""
    return uuid4().hex


def test_what_a_job_has_logged_is_read(client: Any) -> None:
    job = client.order("report")
    client.result(job, timeout=WAIT_SECONDS)

    log = client.log(job, level="info")

    assert (log["lines"], log["next"], log["ended"], log["files"]) == ([], 0, True, [])


def test_a_typed_kind_is_ordered_and_gives_its_result(client: Any) -> None:
    job = client.order("invoice", Invoice("ACME", [Line("work", 2)]), priority=3)

    assert client.result(job, WAIT_SECONDS)["total"] == 2
    assert client.get(job["id"])["status"] == "success"
    assert client.arguments(job)["kwargs"]["order"]["customer"] == "ACME"


def test_a_workflow_is_ordered_read_and_waited_for(client: Any, tag: str) -> None:
    nodes: list[Node] = [
        {"id": "a", "kind": "invoice", "payload": INVOICE},
        {"id": "b", "kind": "invoice", "payload": INVOICE, "after": ["a"], "priority": 3},
    ]

    made = client.workflows.order(tag, nodes, deadline=3_600, idempotency_key=tag)
    again = client.workflows.order(tag, nodes, deadline=3_600, idempotency_key=tag)
    ended = client.workflows.wait(made, WAIT_SECONDS)

    assert again["id"] == made["id"]
    assert (ended["status"], ended["nodes"]["success"]) == ("success", 2)
    assert ended["results"]["b"]["total"] == 19.9
    (second,) = client.workflows.get(made["id"], offset=1, limit=1)["page"]
    assert client.get(second["task"])["status"] == "success"
    names = [each["name"] for each in client.workflows.list(page_size=1)]
    assert names.count(tag) == 1


def test_a_workflow_that_was_cancelled_stays_so_and_can_be_retried(client: Any, tag: str) -> None:
    made = client.workflows.order(
        tag, [{"id": "a", "kind": "invoice", "payload": INVOICE, "delay": 3_600}]
    )
    with pytest.raises(NotFinished) as stopped:
        client.workflows.wait(made, 0.3)

    client.workflows.cancel(made)
    client.workflows.wait(made, WAIT_SECONDS)
    again = client.workflows.cancel(made)
    client.workflows.retry(made)
    ended = client.workflows.wait(made, WAIT_SECONDS)

    assert stopped.value.record["id"] == made["id"]
    assert (again["status"], ended["status"]) == ("cancelled", "success")
    with pytest.raises(Conflict):
        client.workflows.retry(made)
    with pytest.raises(Conflict):
        client.workflows.cancel(made)


def test_a_batch_takes_jobs_until_it_is_closed(client: Any, tag: str) -> None:
    job = Order("invoice", INVOICE)
    batch = client.batches.order(tag, [job], on_complete=job.with_options(tags=[tag]))
    client.batches.add(batch, [job, job])

    closed = client.batches.close(batch)
    ended = client.workflows.wait(batch, WAIT_SECONDS)

    assert (batch["open"], closed["open"]) == (True, False)
    assert (ended["status"], ended["nodes"]["success"]) == ("success", 3)
    assert client.get(client.batches.get(batch)["hooks"]["on_complete"])["tags"] == [tag]
    with pytest.raises(Conflict):
        client.batches.add(batch, [job])
    client.batches.delete(batch)
    with pytest.raises(NotFound):
        client.batches.get(batch)


def test_a_report_comes_to_disk(client: Any, tmp_path: Path) -> None:
    filters = {"department": "engineering", "month": "2026-05"}
    job = client.order("report", {"type": "monthly", "filters": filters})
    link = client.result(job, WAIT_SECONDS)["download_url"]
    whole = client.download(link, tmp_path / "whole.pdf").read_bytes()
    # what a process that was killed in the middle has left
    (tmp_path / "rest.pdf.part").write_bytes(whole[:1_000])
    (tmp_path / "rest.pdf.part.etag").write_text(read_tag(link))

    client.download(link, tmp_path / "rest.pdf")

    assert whole.startswith(b"%PDF")
    assert (tmp_path / "rest.pdf").read_bytes() == whole
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rest.pdf", "whole.pdf"]


def read_tag(link: str) -> str:
    return httpx2.head(link, follow_redirects=True, trust_env=False).headers["ETag"]


def test_wrong_orders_have_a_class_for_each_problem(client: Any, kinds_system: System) -> None:
    with pytest.raises(InvalidOrder) as raised:
        client.order("invoice", {"customer": "", "lines": []}, delay=-1)
    with pytest.raises(UnknownKind, match=r"billing\.remind, booking, email_blast"):
        client.order("no-such-kind")
    with pytest.raises(NotFound):
        client.get("a/b?c")
    with (
        Client(str(kinds_system.http.base_url), "w" * 40) as stranger,
        pytest.raises(Unauthorized),
    ):
        stranger.queues()

    assert {each.field for each in raised.value.errors} == {"/customer", "/lines", "/delay"}


def test_a_job_is_followed_to_its_end(client: Any) -> None:
    job = client.order("invoice", INVOICE, delay=3600)
    events = iter(client.follow(job, WAIT_SECONDS))
    first = next(events)

    client.cancel(job)
    rest = list(events)

    assert (first.name, first.data["status"]) == ("snapshot", "pending")
    assert [each.data["status"] for each in rest if each.name == "change"] == ["cancelled"]
    assert (rest[-1].name, rest[-1].data["id"]) == ("end", job["id"])
    assert list(client.follow(job, WAIT_SECONDS, last_event_id=rest[0].id)) == []


def test_the_events_of_a_kind_are_followed(client: Any) -> None:
    events = iter(client.events(WAIT_SECONDS, kind="parcel"))
    assert next(events).name == "snapshot"

    client.order("invoice", INVOICE)
    job = client.order("parcel", {"address": {"street": "Main", "zip": "12345"}})

    assert next(events).data["id"] == job["id"]


def test_a_cancelled_job_is_rerun(client: Any) -> None:
    job = client.order("invoice", INVOICE, delay=3600)

    with pytest.raises(NotFinished):
        client.wait(job, 0.5)
    assert client.cancel(job)["status"] == "cancelled"
    assert client.cancel(job)["status"] == "cancelled"
    with pytest.raises(JobCancelled):
        client.result(job, WAIT_SECONDS)
    again = client.retry(job, INVOICE | {"customer": "B"}, max_retries=5)
    assert again["id"] == job["id"]
    assert client.result(job, WAIT_SECONDS)["customer"] == "B"
    with pytest.raises(Conflict):
        client.retry(job)


def test_a_failed_job_says_why(client: Any) -> None:
    url = f"http://127.0.0.1:{find_free_port()}/"
    job = client.order("webhook", {"url": url, "max_retries": 1})

    with pytest.raises(JobFailed, match="Connect") as raised:
        client.result(job, WAIT_SECONDS)

    assert raised.value.record["status"] == "failed"


def test_the_history_is_searched_by_a_value(client: Any, tag: str) -> None:
    ids = [client.order("invoice", INVOICE, tags=[tag], delay=3600)["id"] for _ in range(3)]
    for job_id in ids:
        client.cancel(job_id)
    wanted = {"payload.customer": INVOICE["customer"]}

    wait_until(lambda: len(list(client.history(tag=tag))) == 3, ARCHIVE_SECONDS)

    assert [each["id"] for each in client.history(wanted, tag=tag, page_size=2)] == ids[::-1]
    assert list(client.history({"payload.customer": "nobody"}, tag=tag)) == []


def test_lists_have_all_pages(client: Any, tag: str) -> None:
    orders = [Order("invoice", INVOICE).with_options(tags=[tag], delay=3600) for _ in range(7)]
    outcomes = client.order_many([*orders, Order("invoice", {"customer": ""})])

    assert [each["status"] for each in outcomes] == [202] * 7 + [422]
    ids = [each["task"]["id"] for each in outcomes[:7]]
    assert sorted(each["id"] for each in client.jobs(tag=tag, page_size=3)) == sorted(ids)
    assert client.cancel_all({"tag": tag}, dry_run=True)["matches"] == 7
    client.wait(client.cancel_all({"tag": tag}), WAIT_SECONDS)
    assert {each["status"] for each in client.jobs(tag=tag)} == {"cancelled"}
    client.wait(client.retry_all({"tag": tag}), WAIT_SECONDS)
    assert [client.wait(each, WAIT_SECONDS)["status"] for each in ids] == ["success"] * 7


def test_queues_and_workers_are_listed_and_paused(client: Any) -> None:
    try:
        assert client.pause_queue("celery")["paused"] is True
        assert [each["paused"] for each in client.queues() if each["name"] == "celery"] == [True]
    finally:
        assert client.resume_queue("celery")["paused"] is False

    (worker,) = client.workers()
    assert worker["slots"] == 2
    assert {each["kind"] for each in client.kinds()} >= {"invoice", "parcel"}
    assert client.call("GET", "/me")["name"] == "tests"


def test_a_callback_is_verified(client: Any, kinds_system: System) -> None:
    with ScriptedHttpServer("127.0.0.1") as server:
        job = client.order("invoice", INVOICE, callback_url=server.url)
        wait_until(lambda: server.requests, WAIT_SECONDS)
        request = server.requests[0]
    secret = (kinds_system.folder / "webhook_secret").read_text().strip()

    callback = verify_callback(secret, request.headers, request.body)

    assert (callback["type"], callback["data"]["id"]) == ("task.success", job["id"])


def test_no_order_is_lost_or_doubled_when_the_api_is_killed(
    client: Any, tag: str, kinds_system: System, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "continuo_client")
    in_the_middle = threading.Thread(target=kinds_system.kill_api)

    ids = []
    for number in range(50):
        if number == 10:
            kinds_system.kill_api()
        if number == 30:
            in_the_middle.start()
        body = INVOICE | {"lines": [{"text": "work", "amount": number}]}
        ids.append(client.order("invoice", body, tags=[tag], delay=3600)["id"])

    assert any("trying again" in each for each in caplog.messages)
    in_the_middle.join()
    found = list(client.jobs(tag=tag, page_size=20))
    assert sorted(each["id"] for each in found) == sorted(ids)
    told = [client.arguments(each)["kwargs"]["order"]["lines"][0]["amount"] for each in found]
    assert sorted(told) == list(range(50))


def test_the_generated_module_orders_jobs(
    kinds_system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ROOT / "clients" / "python" / "src"
    environment = os.environ | {"CONTINUO_KEY": "k" * 40, "PYTHONPATH": str(source)}
    url = str(kinds_system.http.base_url)
    done = subprocess.run(
        [sys.executable, "-m", "continuo_client.generate", url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (tmp_path / "generated_kinds.py").write_text(done.stdout)
    monkeypatch.syspath_prepend(tmp_path)
    import generated_kinds as kinds  # type: ignore[import-not-found]

    with Client(url, "k" * 40) as client:
        job = client.order(kinds.invoice(INVOICE))
        assert client.result(job, WAIT_SECONDS)["total"] == 19.9

    assert {"report", "export", "email_blast", "webhook", "billing_remind"} <= {*kinds.__all__}


def test_the_example_of_the_guide_works(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    code = read_example("python", str(system.http.base_url))

    exec(code, {})  # noqa: S102 - the guide's code

    told = capsys.readouterr().out.splitlines()
    assert told[-2] == "end success"
    assert told[-1].startswith("type ")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
