"""Mails over HTTP: a look before, who gets none, and the link to get no more."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.system import House

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CSV = {"Content-Type": "text/csv"}
LOOP = "{% for turn in range(99999) %}"


def previewed(house: House, **order: Any) -> dict[str, Any]:
    answer = house.http.post("/emails/preview", json=order, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(house: House, **order: Any) -> str:
    answer = house.http.post("/emails/preview", json=order, timeout=30)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


def mails_to(house: House, address: str) -> list[Path]:
    line = f"To: {address}\r\n".encode()
    return [path for path in (house.folder / "outbox").glob("*.eml") if line in path.read_bytes()]


def mailed(house: House, address: str) -> EmailMessage:
    house.final("/emails", house.order("/emails", {"recipients": [address]})["id"])
    (path,) = mails_to(house, address)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_can_be_looked_at_before_it_goes_out(house: House) -> None:
    seen = previewed(house, template="welcome", recipient="ada@example.org")
    assert seen["subject"] == "Welcome to Continuo"
    assert "ada@example.org" in seen["html"]
    assert "Unsubscribe: " in seen["text"]
    headers = dict(seen["headers"])
    assert headers["To"] == "ada@example.org"
    assert headers["Message-ID"].startswith("<")
    assert mails_to(house, "ada@example.org") == []


def test_a_template_can_be_tried_before_it_is_kept(house: House) -> None:
    parts = {"subject": "For {{ name }}", "html": "<p>Dear <b>{{ name }}</b>, hello.</p>"}
    seen = previewed(house, template=parts, data={"name": "<Ada>"})
    assert seen["subject"] == "For <Ada>"
    assert seen["html"] == "<p>Dear <b>&lt;Ada&gt;</b>, hello.</p>"
    assert seen["text"] == "Dear <Ada>, hello."


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{% if %}", "cannot be used"),
        ("{{ ''.__class__ }}", "is unsafe"),
        (f"{LOOP}{LOOP}{{% endfor %}}{{% endfor %}}", "5 s|20 s"),
        ("{{ 'x' * 10 ** 9 }}", "512 MiB"),
        ("{{ 5|dictsort }}", "does not render: 'int' object"),
        ("{{ 'x' * 2000000 }}", "more than 1000000 characters"),
        ("{% include '/etc/passwd' %}", "cannot be used|does not render"),
    ],
)
def test_a_template_that_does_harm_is_stopped_and_named(
    house: House, html: str, problem: str
) -> None:
    said = refused(house, template={"subject": "s", "html": html})
    assert said.startswith("template: ")
    assert any(words in said for words in problem.split("|")), said


def test_a_long_mail_of_what_takes_four_bytes_a_letter_is_shown_whole(house: House) -> None:
    parts = {"subject": "s", "html": "{{ '\U0001f600' * 999999 }}"}
    assert len(previewed(house, template=parts)["html"]) == 999_999


def test_a_preview_of_nothing_is_refused(house: House) -> None:
    assert "needs html or mjml" in refused(house, template={"subject": "s"})
    assert "'nope' is unknown" in refused(house, template="nope")
    assert refused(house, recipient="ada").startswith("recipient: 'ada' is not")


def test_whoever_unsubscribes_gets_no_mail_any_more(house: House) -> None:
    message = mailed(house, "Eve@example.net")
    link = str(message["List-Unsubscribe"])[1:-1]
    text = message.get_body(("plain",))
    assert text is not None
    assert link in text.get_content()
    page = house.http.get(link)
    assert page.headers["content-type"].startswith("text/html")
    assert "Eve@example.net" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert house.http.get("/suppressions/eve@example.net").status_code == 404
    for _ in range(2):
        done = house.http.post(link, content="List-Unsubscribe=One-Click", headers=FORM)
        assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)
    entry = house.http.get("/suppressions/EVE@example.net").json()
    assert (entry["address"], entry["reason"]) == ("eve@example.net", "unsubscribed")

    job_id = house.order("/emails", {"recipients": ["eve@example.net", "ivy@example.net"]})["id"]
    result = house.final("/emails", job_id)["result"]
    assert (result["sent"], result["suppressed"]) == (1, 1)
    assert len(mails_to(house, "eve@example.net")) == 0
    assert house.http.delete("/suppressions/eve@example.net").status_code == 204
    assert house.http.delete("/suppressions/eve@example.net").status_code == 404


def mailed_as_test(house: House, **order: Any) -> tuple[dict[str, Any], EmailMessage]:
    answer = house.http.post("/emails/test", json=order, timeout=30)
    assert answer.status_code == 202, answer.text
    record = house.final("/emails", answer.json()["id"])
    (path,) = mails_to(house, order["recipient"])
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return record, message


def test_a_template_is_sent_to_one_address_as_a_test(house: House) -> None:
    parts = {"subject": "For {{ name }}", "html": "<p>Hello {{ name }}</p>"}
    me = "Me@example.net"
    record, message = mailed_as_test(house, recipient=me, template=parts, data={"name": "Ada"})
    assert record["result"]["sent"] == 1
    assert record["result"]["test"] is True
    assert message["Subject"] == "[Test] For Ada"
    body = message.get_body(("html",))
    assert body is not None
    assert "Hello Ada" in body.get_content()


def test_the_link_of_a_test_and_of_a_preview_unsubscribes_nobody(house: House) -> None:
    me = "tester@example.net"
    _, message = mailed_as_test(house, recipient=me, template="welcome")
    seen = dict(previewed(house, template="welcome", recipient=me)["headers"])
    for link in (message["List-Unsubscribe"], seen["List-Unsubscribe"]):
        for ask in (house.http.get, house.http.post):
            answer = ask(str(link)[1:-1])
            assert answer.status_code == 200
            assert "It unsubscribes nobody" in answer.text
    assert house.http.get(f"/suppressions/{me}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"recipient": "ada"}, "recipient: 'ada' is not"),
        ({"template": "nope"}, "template: 'nope' is unknown"),
        ({"template": {"subject": "s", "html": "{{ nobody }}"}}, "'nobody' is undefined"),
        ({"attachments": ["http://x.org/y"]}, "attachments[0]: is no download link"),
    ],
)
def test_a_test_that_cannot_be_sent_is_refused_before_it_is_a_job(
    house: House, wrong: dict[str, Any], problem: str
) -> None:
    before = house.http.get("/emails").json()["total"]
    answer = house.http.post("/emails/test", json={"recipient": "a@x.org"} | wrong, timeout=30)
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert house.http.get("/emails").json()["total"] == before


@pytest.mark.parametrize("token", ["x", "ImV2ZUBleGFtcGxlLm5ldCI.nope", "%00"])
def test_a_link_that_was_made_up_takes_off_nobody(house: House, token: str) -> None:
    for ask in (house.http.get, house.http.post):
        assert ask(f"/u/{token}").status_code == 404


def test_suppressed_addresses_are_added_imported_and_listed(house: House) -> None:
    order = {"addresses": ["A1@example.net", "a1@example.net", "nobody"], "reason": "complaint"}
    report = house.http.post("/suppressions", json=order).json()
    assert (report["added"], report["known"], report["invalid"]) == (1, 0, 1)
    assert report["refused"][0]["given"] == "nobody"
    table = "email,name\r\n" + "\r\n".join(f"a{n}@example.net,N" for n in range(1, 1_201))
    report = house.http.post("/suppressions", content=table, headers=CSV).json()
    assert (report["added"], report["known"]) == (1_199, 1)
    found: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = house.http.get("/suppressions", params={"limit": 500, "cursor": cursor}).json()
        found |= {one["address"]: one["reason"] for one in page["suppressions"]}
        cursor = page["next_cursor"]
    assert {f"a{n}@example.net" for n in range(1, 1_201)} <= set(found)
    assert (found["a1@example.net"], found["a2@example.net"]) == ("complaint", "manual")
    wrong = house.http.post("/suppressions", json={"addresses": [], "reason": "dislike"})
    assert wrong.status_code == 422
