"""Blasts over HTTP: recipients in parts, their outcomes, pause and resume."""

import csv
import io
import re
from collections import Counter
from typing import Any

import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

CSV = {"Content-Type": "text/csv; charset=utf-8"}


def build_addresses(first: int, count: int) -> list[str]:
    return [f"user{number}@example.com" for number in range(first, first + count)]


def order_blast(system: System, **more: Any) -> str:
    return str(system.order("/emails", {"template": "welcome", "upload": True, **more})["id"])


def list_recipients(system: System, job_id: str, **query: Any) -> list[dict[str, str]]:
    """All pages of the list of recipients."""
    found: list[dict[str, str]] = []
    cursor = ""
    while cursor is not None:
        answer = system.http.get(
            f"/emails/{job_id}/recipients",
            params={**query, **({"cursor": cursor} if cursor else {})},
        )
        assert answer.status_code == 200, answer.text
        found += answer.json()["recipients"]
        cursor = answer.json()["next_cursor"]
    return found


def test_recipients_added_in_parts_are_counted_and_mailed_by_several_jobs(system: System) -> None:
    job_id = order_blast(system)
    path = f"/emails/{job_id}/recipients"
    first = system.http.post(path, json=[*build_addresses(0, 1_500), "USER7@example.com", "nobody"])
    assert first.status_code == 200, first.text
    assert first.json() == {
        "added": 1_500,
        "invalid": 1,
        "doubled": 1,
        "total": 1_501,
        "refused": [
            {"place": 1_501, "given": "nobody", "problem": first.json()["refused"][0]["problem"]}
        ],
    }

    again = system.http.post(path, json=build_addresses(0, 1_500)).json()
    assert (again["added"], again["doubled"], again["total"]) == (0, 1_500, 1_501)

    text = "email\r\n" + "\r\n".join(build_addresses(1_500, 700))
    table = system.http.post(path, content=text, headers=CSV).json()
    assert (table["added"], table["total"]) == (700, 2_201)
    assert system.record("/emails", job_id)["status"] == "pending"

    assert system.http.post(f"/emails/{job_id}/start").status_code == 202
    assert system.http.post(f"/emails/{job_id}/start").status_code == 202

    result = system.wait_until_final("/emails", job_id)["result"]
    assert (result["sent"], result["invalid"]) == (2_200, 1)

    found = list_recipients(system, job_id, limit=900)
    assert Counter(one["outcome"] for one in found) == {"sent": 2_200, "invalid": 1}
    assert [one["address"] for one in found] == [
        *build_addresses(0, 1_500),
        "nobody",
        *build_addresses(1_500, 700),
    ]
    assert system.http.post(path, json=["late@example.com"]).status_code == 409


def test_recipients_can_be_filtered_by_outcome_and_downloaded_as_csv(system: System) -> None:
    job_id = order_blast(system)
    path = f"/emails/{job_id}/recipients"
    system.http.post(path, json=["=cmd@example.com", "what?", "ada@example.com"])
    system.http.post(f"/emails/{job_id}/start")
    system.wait_until_final("/emails", job_id)
    only = list_recipients(system, job_id, outcome="invalid")
    assert [(one["address"], one["outcome"]) for one in only] == [("what?", "invalid")]

    answer = system.http.get(path, params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"

    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["email", "outcome", "problem"]
    assert [row[:2] for row in rows[1:]] == [
        ["'=cmd@example.com", "sent"],
        ["what?", "invalid"],
        ["ada@example.com", "sent"],
    ]


def test_the_recipients_of_an_order_are_listed_in_pages(system: System) -> None:
    job_id = system.order("/emails", {"recipients": build_addresses(0, 5)})["id"]
    system.wait_until_final("/emails", job_id)
    answer = system.http.get(f"/emails/{job_id}/recipients", params={"limit": 2})
    assert [one["address"] for one in answer.json()["recipients"]] == build_addresses(0, 2)

    following = answer.links["next"]["url"]
    page = system.http.get(following).json()
    assert [one["address"] for one in page["recipients"]] == build_addresses(2, 2)


def test_a_paused_blast_sends_no_mail_until_it_is_resumed(system: System) -> None:
    job_id = system.order("/emails", {"recipients": build_addresses(0, 60), "rate": 30})["id"]
    wait_until(lambda: list_recipients(system, job_id, outcome="sent"))
    assert system.http.post(f"/emails/{job_id}/pause").status_code == 200

    wait_until(lambda: system.record("/emails", job_id)["status"] == "retrying")
    held = list_recipients(system, job_id, outcome="sent")
    assert 0 < len(held) < 60
    assert len(list_recipients(system, job_id, outcome="waiting")) == 60 - len(held)

    progress = system.record("/emails", job_id)["progress"]
    assert progress["done"] == len(held)
    assert progress["total"] == 60
    assert re.fullmatch(rf"{len(held)} sent; \d+ connections?; \d+ s left", progress["note"])
    assert system.http.post(f"/emails/{job_id}/resume").status_code == 200

    result = system.wait_until_final("/emails", job_id)["result"]
    assert result["sent"] == 60
    assert result["rate"] <= 31
    assert system.http.post(f"/emails/{job_id}/pause").status_code == 409


def test_a_running_blast_can_be_cancelled(system: System) -> None:
    job_id = system.order("/emails", {"recipients": build_addresses(0, 60), "rate": 20})["id"]
    wait_until(lambda: list_recipients(system, job_id, outcome="sent"))
    assert system.http.post(f"/tasks/{job_id}/cancel").status_code == 202
    assert system.wait_until_final("/emails", job_id)["status"] == "cancelled"

    counts = Counter(one["outcome"] for one in list_recipients(system, job_id))
    assert counts["waiting"] > 0
    assert counts["sent"] > 0


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"upload": True, "recipients": ["ada@example.com"]}, "recipients"),
        ({"upload": True, "delay": 3}, "delay"),
        ({"rate": 1e-300}, "rate"),
        ({"data": {"recipient": "x"}}, "data"),
        (
            {"recipients": [{"address": "ada@example.com", "data": {"a b": 1}}]},
            "recipients[0].data",
        ),
    ],
)
def test_contradictory_blast_options_are_refused(
    system: System, order: dict[str, Any], field: str
) -> None:
    answer = system.http.post("/emails", json=order)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,city\r\nAda,London", "the first line names no column email; it has 'name', 'city'"),
        ("Kontakt\r\nada@example.com", "the first line names no column email; it has 'Kontakt'"),
        ("E-mail;name\r\nada@;Ada", "no other recipient is valid"),
        ("email,name\r\nada@example.com", "a line has 1 cells, the first has 2"),
        ('email\r\n"ada', "is not CSV"),
    ],
)
def test_an_invalid_recipient_table_is_refused(system: System, text: str, problem: str) -> None:
    job_id = order_blast(system)

    answer = system.http.post(f"/emails/{job_id}/recipients", content=text, headers=CSV)

    assert answer.status_code == 422
    assert problem in answer.json()["detail"]


def test_blast_routes_do_not_find_other_jobs(system: System) -> None:
    report = system.order("/reports", {})["id"]

    for what in ("start", "pause", "resume"):
        assert system.http.post(f"/emails/{report}/{what}").status_code == 404
    assert system.http.get(f"/emails/{report}/recipients").status_code == 404
    assert system.http.post("/emails/nothing/recipients", json=["a@x.org"]).status_code == 404


def test_the_mails_of_a_person_come_in_pages_newest_first(system: System) -> None:
    address = "history@example.com"
    ids = []
    for _ in range(3):
        ids.append(system.order("/emails", {"recipients": [address]})["id"])
        system.wait_until_final("/emails", ids[-1])

    first = system.http.get("/emails/recipients/History@EXAMPLE.com", params={"limit": 2})
    mails = first.json()["mails"]
    assert [mail["id"] for mail in mails] == [ids[2], ids[1]]
    assert mails[0]["outcome"] == "sent"
    assert mails[0]["template"] == "default"
    assert first.headers["link"].endswith('; rel="next"')

    target = first.headers["link"].partition(">")[0].removeprefix("<")
    last = system.http.get(target).json()
    assert [mail["id"] for mail in last["mails"]] == [ids[0]]
    assert last["next_cursor"] is None


def test_a_person_without_mails_has_an_empty_list(system: System) -> None:
    answer = system.http.get("/emails/recipients/nobody@example.com")

    assert answer.json() == {
        "address": "nobody@example.com",
        "suppression": None,
        "mails": [],
        "next_cursor": None,
    }


@pytest.mark.parametrize("text", ["nonsense", "bmFuIHg", "aW5mIHg"], ids=["text", "nan", "inf"])
def test_an_invalid_cursor_of_a_list_is_refused(system: System, text: str) -> None:
    for path in ("/emails/recipients/ada@example.com", "/emails", "/tasks"):
        answer = system.http.get(path, params={"cursor": text})

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor"), path


def test_a_person_is_erased_from_a_blast_that_runs_and_gets_no_mail(system: System) -> None:
    address, path = "erase@example.com", "/emails/recipients/Erase@example.com"
    order = {"recipients": [*build_addresses(0, 30), address], "template": "welcome", "rate": 20}
    job_id = system.order("/emails", order)["id"]
    wait_until(lambda: system.record("/emails", job_id)["progress"])

    erased = system.http.delete(path)

    assert erased.json() == {
        "address": "Erase@example.com",
        "mailings": 1,
        "next_cursor": None,
    }
    result = system.wait_until_final("/emails", job_id)["result"]
    assert (result["sent"], result["suppressed"]) == (30, 1)
    outbox = [mail.read_bytes() for mail in (system.folder / "outbox").glob("*.eml")]
    assert not any(address.encode() in mail for mail in outbox)

    assert system.http.delete(path).json()["mailings"] == 0
    listed = list_recipients(system, job_id, outcome="suppressed")
    assert [one["problem"] for one in listed] == ["erased"]
    seen = system.http.get(path).json()
    assert (seen["mails"], seen["suppression"]["reason"]) == ([], "erased")
