"""The pages that show the mails of the bundled sink."""

import re
import smtplib
from email.message import EmailMessage
from html import unescape

import httpx2

from tests.support.programs.system import System
from tests.support.waiting import wait_until

HOSTILE = (
    b"From: <eve@example.com>\r\nTo: <b>@example.com\r\n"
    b"Subject: <script>alert(1)</script>\r\nX-Odd: \xff\xfe\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<script>alert(2)</script><b>bold</b>\r\n"
)


def deliver(system: System, mail: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", int(system.ports["SMTP_PORT"]), timeout=10) as server:
        server.sendmail("eve@example.com", ["bob@example.com"], mail)


def page(system: System, path: str = "/outbox") -> httpx2.Response:
    answer = system.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer


def link_to(system: System, subject: str) -> str:
    link = wait_until(
        lambda: re.search(rf'href="([^"]+)">{re.escape(subject)}<', page(system).text)
    )
    return unescape(link[1])


def test_a_sent_mail_is_shown_with_its_headers_and_both_bodies(system: System) -> None:
    order = {"recipients": ["zoe@example.com"], "template": "welcome"}
    system.wait_until_final("/emails", system.order("/emails", order)["id"])
    path = link_to(system, "Welcome to Continuo")

    shown = page(system, path)

    assert "zoe@example.com" in shown.text
    assert "Message-ID" in shown.text
    assert "Good to have you." in shown.text
    assert f'<iframe sandbox src="{path}/html"' in shown.text
    assert "<h1" in page(system, f"{path}/html").text


def test_a_mail_lists_its_attachments_and_leads_back_to_the_console(system: System) -> None:
    mail = EmailMessage()
    mail["Subject"] = "With two files"
    mail["From"], mail["To"] = "eve@example.com", "bob@example.com"
    mail.set_content("See the files.")
    mail.add_attachment(b"1,2\n", maintype="text", subtype="csv", filename="numbers.csv")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a<b>.pdf")
    deliver(system, mail.as_bytes())

    shown = page(system, link_to(system, "With two files"))

    assert "<td>numbers.csv</td><td>text/csv</td><td>4 bytes</td>" in shown.text
    assert "<td>a&lt;b&gt;.pdf</td><td>application/pdf</td><td>4 bytes</td>" in shown.text
    assert '<a href="/">Console</a>' in shown.text


def test_a_hostile_mail_runs_no_script(system: System) -> None:
    deliver(system, HOSTILE)
    path = link_to(system, "&lt;script&gt;alert(1)&lt;/script&gt;")
    shown = page(system, path)
    assert "<script" not in shown.text

    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy

    inside = page(system, f"{path}/html")
    assert inside.text.startswith("<script>")
    assert inside.headers["content-security-policy"].startswith("sandbox; default-src 'none';")


def test_a_mail_that_is_not_in_the_outbox_is_not_found(system: System) -> None:
    for name in ("nope", "..%2Fsecret_key", "20260101T000000.000000Z-00000000.eml", "a.eml"):
        assert system.http.get(f"/outbox/{name}").status_code == 404
        assert system.http.get(f"/outbox/{name}/html").status_code == 404


def test_older_mails_are_on_later_pages(system: System) -> None:
    people = [f"old{number}@example.com" for number in range(60)]
    system.wait_until_final("/emails", system.order("/emails", {"recipients": people})["id"])
    first = page(system).text
    older = re.search(r'href="(/outbox\?before=[^"]+)"', first)
    assert older

    second = page(system, unescape(older[1])).text
    names = [set(re.findall(r'href="/outbox/([^"?]+)"', text)) for text in (first, second)]

    assert len(names[0]) == 50
    assert names[1]
    assert not names[0] & names[1]
