"""Mails over HTTP: previews, test mails, suppressions and unsubscribe links."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.system import System

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CSV = {"Content-Type": "text/csv"}
LOOP = "{% for turn in range(99999) %}"


def preview(system: System, **order: Any) -> dict[str, Any]:
    answer = system.http.post("/emails/preview", json=order, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refuse_preview(system: System, **order: Any) -> str:
    answer = system.http.post("/emails/preview", json=order, timeout=30)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


def find_mails_to(system: System, address: str) -> list[Path]:
    line = f"To: {address}\r\n".encode()
    return [path for path in (system.folder / "outbox").glob("*.eml") if line in path.read_bytes()]


def send_mail(system: System, address: str) -> EmailMessage:
    system.wait_until_final("/emails", system.order("/emails", {"recipients": [address]})["id"])
    (path,) = find_mails_to(system, address)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_can_be_previewed_before_it_is_sent(system: System) -> None:
    seen = preview(system, template="welcome", recipient="ada@example.org")
    assert seen["subject"] == "Welcome to Continuo"
    assert "ada@example.org" in seen["html"]
    assert "Unsubscribe: " in seen["text"]

    headers = dict(seen["headers"])
    assert headers["To"] == "ada@example.org"
    assert headers["Message-ID"].startswith("<")
    assert find_mails_to(system, "ada@example.org") == []


def test_an_unsaved_template_can_be_previewed(system: System) -> None:
    parts = {"subject": "For {{ name }}", "html": "<p>Dear <b>{{ name }}</b>, hello.</p>"}

    seen = preview(system, template=parts, data={"name": "<Ada>"})

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
def test_a_harmful_template_is_stopped_and_reported(
    system: System, html: str, problem: str
) -> None:
    said = refuse_preview(system, template={"subject": "s", "html": html})
    assert said.startswith("template: ")
    assert any(words in said for words in problem.split("|")), said


def test_a_long_mail_of_four_byte_characters_is_shown_whole(system: System) -> None:
    parts = {"subject": "s", "html": "{{ '\U0001f600' * 999999 }}"}
    assert len(preview(system, template=parts)["html"]) == 999_999


def test_an_empty_preview_is_refused(system: System) -> None:
    assert "needs html or mjml" in refuse_preview(system, template={"subject": "s"})
    assert "'nope' is unknown" in refuse_preview(system, template="nope")
    assert refuse_preview(system, recipient="ada").startswith("recipient: 'ada' is not")


def test_an_unsubscribed_recipient_gets_no_more_mail(system: System) -> None:
    message = send_mail(system, "Eve@example.net")
    link = str(message["List-Unsubscribe"])[1:-1]
    text = message.get_body(("plain",))
    assert text is not None
    assert link in text.get_content()

    page = system.http.get(link)
    assert page.headers["content-type"].startswith("text/html")
    assert "Eve@example.net" in page.text
    assert "continuo@localhost.localdomain" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert system.http.get("/suppressions/eve@example.net").status_code == 404

    for _ in range(2):
        done = system.http.post(link, content="List-Unsubscribe=One-Click", headers=FORM)
        assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)
        assert "Eve@example.net" in done.text
        assert "continuo@localhost.localdomain" in done.text
    entry = system.http.get("/suppressions/EVE@example.net").json()
    assert (entry["address"], entry["reason"]) == ("eve@example.net", "unsubscribed")

    job_id = system.order("/emails", {"recipients": ["eve@example.net", "ivy@example.net"]})["id"]
    result = system.wait_until_final("/emails", job_id)["result"]
    assert (result["sent"], result["suppressed"]) == (1, 1)
    assert len(find_mails_to(system, "eve@example.net")) == 0
    assert system.http.delete("/suppressions/eve@example.net").status_code == 204
    assert system.http.delete("/suppressions/eve@example.net").status_code == 404


def send_test_mail(system: System, **order: Any) -> tuple[dict[str, Any], EmailMessage]:
    answer = system.http.post("/emails/test", json=order, timeout=30)
    assert answer.status_code == 202, answer.text
    record = system.wait_until_final("/emails", answer.json()["id"])
    (path,) = find_mails_to(system, order["recipient"])
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return record, message


def test_a_template_is_sent_to_one_address_as_a_test(system: System) -> None:
    parts = {"subject": "For {{ name }}", "html": "<p>Hello {{ name }}</p>"}
    me = "Me@example.net"
    record, message = send_test_mail(system, recipient=me, template=parts, data={"name": "Ada"})
    assert record["result"]["sent"] == 1
    assert record["result"]["test"] is True
    assert message["Subject"] == "[Test] For Ada"

    body = message.get_body(("html",))
    assert body is not None
    assert "Hello Ada" in body.get_content()


def test_the_links_of_test_mails_and_previews_unsubscribe_no_one(system: System) -> None:
    me = "tester@example.net"
    _, message = send_test_mail(system, recipient=me, template="welcome")
    seen = dict(preview(system, template="welcome", recipient=me)["headers"])

    for link in (message["List-Unsubscribe"], seen["List-Unsubscribe"]):
        for ask in (system.http.get, system.http.post):
            answer = ask(str(link)[1:-1])
            assert answer.status_code == 200
            assert "It unsubscribes no address" in answer.text

    assert system.http.get(f"/suppressions/{me}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"recipient": "ada"}, "recipient: 'ada' is not"),
        ({"template": "nope"}, "template: 'nope' is unknown"),
        ({"template": {"subject": "s", "html": "{{ nobody }}"}}, "'nobody' is undefined"),
        ({"attachments": ["http://x.org/y"]}, "attachments[0]: is no download link"),
    ],
)
def test_a_test_mail_that_cannot_be_sent_is_refused_without_a_job(
    system: System, wrong: dict[str, Any], problem: str
) -> None:
    before = system.http.get("/emails").json()["total"]

    answer = system.http.post("/emails/test", json={"recipient": "a@x.org"} | wrong, timeout=30)

    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert system.http.get("/emails").json()["total"] == before


@pytest.mark.parametrize("token", ["x", "ImV2ZUBleGFtcGxlLm5ldCI.nope", "%00"])
def test_a_forged_link_unsubscribes_no_one(system: System, token: str) -> None:
    for ask in (system.http.get, system.http.post):
        assert ask(f"/u/{token}").status_code == 404


def test_suppressed_addresses_are_added_imported_and_listed(system: System) -> None:
    order = {"addresses": ["A1@example.net", "a1@example.net", "nobody"], "reason": "complaint"}
    report = system.http.post("/suppressions", json=order).json()
    assert (report["added"], report["known"], report["invalid"]) == (1, 0, 1)
    assert report["refused"][0]["given"] == "nobody"

    table = "email,name\r\n" + "\r\n".join(f"a{n}@example.net,N" for n in range(1, 1_201))
    report = system.http.post("/suppressions", content=table, headers=CSV).json()
    assert (report["added"], report["known"]) == (1_199, 1)

    found: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = system.http.get("/suppressions", params={"limit": 500, "cursor": cursor}).json()
        found |= {one["address"]: one["reason"] for one in page["suppressions"]}
        cursor = page["next_cursor"]
    assert {f"a{n}@example.net" for n in range(1, 1_201)} <= set(found)
    assert (found["a1@example.net"], found["a2@example.net"]) == ("complaint", "manual")

    wrong = system.http.post("/suppressions", json={"addresses": [], "reason": "dislike"})
    assert wrong.status_code == 422
