"""Signals over HTTP: to jobs that wait for a person, and by the links of a mail."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from continuo_client import AsyncClient, Client, Conflict
from playwright.sync_api import expect

from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a kind that a person approves."""
    system = System(tmp_path_factory.mktemp("payments"))
    system.start(CONTINUO_TASKS="tests.support.apps.approvals")
    yield system
    system.close()


@pytest.fixture
def job_id(payments: System) -> str:
    """A job that waits for its approval."""
    return order_payment(payments)


def order_payment(payments: System, **options: Any) -> str:
    order_id = str(payments.order("/payments", {"total": 12_000, **options})["id"])
    wait_until(lambda: payments.record("/tasks", order_id)["status"] == "waiting")
    return order_id


def send(payments: System, job_id: str, body: Any, name: str = "approval") -> tuple[int, Any]:
    answer = payments.http.post(f"/tasks/{job_id}/signals/{name}", json=body)
    return answer.status_code, answer.json()


def read_links(payments: System, job_id: str) -> list[str]:
    """The paths of the links that the job has sent: to pay, and to refuse."""
    with redis.Redis.from_url(payments.redis_url, decode_responses=True) as client:
        links: Any = client.lrange(f"tests:links:{job_id}", 0, -1)
    return ["/s/" + link.rpartition("/")[2] for link in links]


def test_a_waiting_job_shows_its_question_and_goes_on_with_a_signal(
    payments: System, job_id: str
) -> None:
    waiting = payments.record("/tasks", job_id)

    status, sent = send(payments, job_id, {"approved": True, "by": "Ada"})

    done = payments.wait_until_final("/tasks", job_id)
    assert waiting["wait"]["question"] == "Pay 12,000.00 € & more?"
    assert (status, sent) == (202, {"id": job_id, "name": "approval", "result": "sent"})
    assert done["result"] == {"approved": True, "by": "Ada"}
    assert "wait" not in done
    assert [step["name"] for step in done["steps"]] == ["mail", "approval"]


def test_the_first_signal_counts_and_a_different_one_conflicts(
    payments: System, job_id: str
) -> None:
    send(payments, job_id, {"approved": True})

    (again, repeated), (other, problem) = [
        send(payments, job_id, {"approved": answer}) for answer in (True, False)
    ]

    assert (again, repeated["result"]) == (200, "repeated")
    assert (other, problem["detail"]) == (409, "Another signal of this name came first")
    assert problem["task"]["id"] == job_id


def test_a_signal_of_another_type_is_refused_by_its_field(payments: System, job_id: str) -> None:
    status, problem = send(payments, job_id, {"approved": "perhaps"})

    assert (status, payments.record("/tasks", job_id)["status"]) == (422, "waiting")
    assert "approved" in problem["detail"]


def test_signals_that_no_job_can_have_are_refused(payments: System, job_id: str) -> None:
    unknown, _ = send(payments, "nobody", {})
    long, problem = send(payments, job_id, "x" * 70_000, name="other")

    assert unknown == 404
    assert (long, "at most 65,536 bytes" in problem["detail"]) == (422, True)


def test_a_wait_whose_time_is_over_takes_no_signal(payments: System) -> None:
    job_id = order_payment(payments, timeout=0.5)
    done = payments.wait_until_final("/tasks", job_id)

    status, problem = send(payments, job_id, {"approved": True})

    assert (done["status"], status) == ("failed", 409)
    assert problem["detail"] == "The time of this wait is over"


def test_a_waiting_job_is_counted_listed_and_cancelled_at_once(
    payments: System, job_id: str
) -> None:
    counts = payments.http.get("/queue/stats").json()["status_counts"]
    listed = payments.http.get("/tasks?status=waiting").json()["tasks"]

    cancelled = payments.http.delete(f"/tasks/{job_id}")

    assert counts["waiting"] == len(listed) > 0
    assert job_id in {task["id"] for task in listed}
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


def test_both_clients_send_signals(payments: System, job_id: str) -> None:
    url = str(payments.http.base_url)

    with Client(url) as client:
        sent = client.signal(job_id, "approval", {"approved": True, "by": "Ada"})
        kept = client.signal(order_payment(payments), "no one / waits", None)
        with pytest.raises(Conflict):
            client.signal(job_id, "approval", {"approved": False})
        result = client.result(job_id)

    assert (sent["result"], kept["result"]) == ("sent", "kept")
    assert result == {"approved": True, "by": "Ada"}
    assert asyncio.run(send_again(url, job_id)) == "repeated"


async def send_again(url: str, job_id: str) -> str:
    async with AsyncClient(url) as client:
        sent = await client.signal(job_id, "approval", {"by": "Ada", "approved": True})
        return sent["result"]


def test_the_page_of_a_waiting_job_has_a_button_for_each_answer(
    payments: System, job_id: str
) -> None:
    with launch_browser() as browser, visit_page(browser, str(payments.http.base_url)) as page:
        page.goto(f"/console/jobs/{job_id}")
        expect(page.locator(".head")).to_contain_text("Pay 12,000.00 € & more?")
        page.get_by_role("button", name="Refuse").click()
        expect(page.locator(".head .badge")).to_have_text("success")
        expect(page.locator(".timeline", has_text="mail")).to_contain_text("approval")

    assert payments.record("/tasks", job_id)["result"]["approved"] is False


def test_a_link_asks_first_and_its_button_answers_once(payments: System, job_id: str) -> None:
    pay, refuse = read_links(payments, job_id)

    shown = payments.http.get(pay)
    before = payments.record("/tasks", job_id)["status"]
    pressed = [payments.http.post(pay, headers=FORM) for _ in range(2)]
    other = payments.http.post(refuse, headers=FORM)

    assert (shown.status_code, before) == (200, "waiting")
    assert "Pay 12,000.00 € &amp; more?" in shown.text
    assert [answer.status_code for answer in pressed] == [200, 200]
    assert (other.status_code, "came first" in other.text) == (409, True)
    assert payments.http.get(refuse).status_code == 409
    assert payments.wait_until_final("/tasks", job_id)["result"]["approved"] is True


def test_a_changed_link_sends_nothing(payments: System, job_id: str) -> None:
    pay, _ = read_links(payments, job_id)

    answers = [ask(pay[:-3] + "abc") for ask in (payments.http.get, payments.http.post)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert payments.record("/tasks", job_id)["status"] == "waiting"
