"""The mails of the bundled sink, as pages."""

import re
import smtplib
from html import unescape

import httpx2

from tests.support.system import House
from tests.support.waiting import until

HOSTILE = (
    b"From: <eve@example.com>\r\nTo: <b>@example.com\r\n"
    b"Subject: <script>alert(1)</script>\r\nX-Odd: \xff\xfe\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<script>alert(2)</script><b>bold</b>\r\n"
)


def hand_in(house: House, mail: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", int(house.ports["SMTP_PORT"]), timeout=10) as server:
        server.sendmail("eve@example.com", ["bob@example.com"], mail)


def page(house: House, path: str = "/outbox") -> httpx2.Response:
    answer = house.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer


def link_to(house: House, subject: str) -> str:
    link = until(lambda: re.search(rf'href="([^"]+)">{re.escape(subject)}<', page(house).text))
    return unescape(link[1])


def test_a_mail_that_was_sent_is_shown_with_its_headers_and_both_bodies(house: House) -> None:
    order = {"recipients": ["zoe@example.com"], "template": "welcome"}
    house.final("/emails", house.order("/emails", order)["id"])
    path = link_to(house, "Welcome to Continuo")
    shown = page(house, path)
    assert "zoe@example.com" in shown.text
    assert "Message-ID" in shown.text
    assert "Good to have you." in shown.text
    assert f'<iframe sandbox src="{path}/html"' in shown.text
    assert "<h1" in page(house, f"{path}/html").text


def test_a_hostile_mail_runs_nothing(house: House) -> None:
    hand_in(house, HOSTILE)
    path = link_to(house, "&lt;script&gt;alert(1)&lt;/script&gt;")
    shown = page(house, path)
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    inside = page(house, f"{path}/html")
    assert inside.text.startswith("<script>")
    assert inside.headers["content-security-policy"].startswith("sandbox; default-src 'none';")


def test_what_is_not_in_the_outbox_is_not_found(house: House) -> None:
    for name in ("nope", "..%2Fsecret_key", "20260101T000000.000000Z-00000000.eml", "a.eml"):
        assert house.http.get(f"/outbox/{name}").status_code == 404
        assert house.http.get(f"/outbox/{name}/html").status_code == 404


def test_older_mails_are_on_the_pages_after(house: House) -> None:
    people = [f"old{number}@example.com" for number in range(60)]
    house.final("/emails", house.order("/emails", {"recipients": people})["id"])
    first = page(house).text
    older = re.search(r'href="(/outbox\?before=[^"]+)"', first)
    assert older
    second = page(house, unescape(older[1])).text
    names = [set(re.findall(r'href="/outbox/([^"?]+)"', text)) for text in (first, second)]
    assert len(names[0]) == 50
    assert names[1]
    assert not names[0] & names[1]
