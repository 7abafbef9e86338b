import email
import email.message
import email.policy
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.errors import InvalidField
from project.settings import settings
from tasks.emails import letters, messages
from tasks.emails.messages import compose

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Precedence",
    "MIME-Version",
    "Content-Type",
]


@pytest.fixture(autouse=True)
def sender(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MAIL_FROM", "Continuo <continuo@mail.example.com>")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def parsed(raw: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert not message.defects
    return message


def body(message: email.message.EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def assert_is_wire_format(raw: bytes) -> None:
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def as_template(monkeypatch: pytest.MonkeyPatch, letter: letters.Letter) -> None:
    template = SimpleNamespace(render=lambda **_: letter)
    monkeypatch.setattr(letters, "load", lambda _name: template)


@pytest.mark.parametrize("template", letters.names())
def test_a_message_has_exactly_these_headers_and_both_bodies(template: str) -> None:
    raw = compose("job-1", "ada@example.org", template)
    assert_is_wire_format(raw)
    message = parsed(raw)
    assert list(message.keys()) == HEADERS
    assert message["To"] == "ada@example.org"
    assert message["From"] == "Continuo <continuo@mail.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_the_bodies_arrive_as_the_template_wrote_them() -> None:
    message = parsed(compose("job-1", "ada@example.org", "welcome"))
    letter = letters.load("welcome").render(
        recipient="ada@example.org",
        sender="continuo@mail.example.com",
        home_url=settings().base_url,
    )
    assert body(message, "plain").splitlines() == letter.text.splitlines()
    assert body(message, "html").splitlines() == letter.html.splitlines()


def test_the_message_id_depends_on_job_and_recipient_and_on_nothing_else() -> None:
    ids = {
        parsed(compose(job, recipient, template))["Message-ID"]
        for job in ("1", "2")
        for recipient in ("a@x.org", "b@x.org")
        for template in ("default", "welcome")
    }
    assert len(ids) == 4
    assert all(re.fullmatch(r"<[0-9a-f]{32}@mail\.example\.com>", found) for found in ids)


def test_the_date_is_now() -> None:
    sent = parsed(compose("job-1", "a@x.org", "default"))["Date"].datetime.timestamp()
    assert abs(time.time() - sent) < 60


@pytest.mark.parametrize(
    "recipient",
    [
        "a@x.org\r\nBcc: eve@x.org",
        "a@x.org\nBcc: eve@x.org",
        "a@x.org, b@x.org",
        "a@x.org> NOTIFY=SUCCESS",
        "Ada <a@x.org>",
        "ü@x.org",
        "",
    ],
)
def test_a_recipient_that_is_not_one_plain_address_is_refused(recipient: str) -> None:
    with pytest.raises(InvalidField, match="recipient"):
        compose("job-1", recipient, "default")


@given(st.text())
def test_a_hostile_job_id_reaches_no_header(job_id: str) -> None:
    try:
        job_id.encode()
    except UnicodeEncodeError:
        return
    assert list(parsed(compose(job_id, "a@x.org", "default")).keys()) == HEADERS


@pytest.mark.parametrize(
    "subject",
    [
        "Hello",
        "Grüße aus Köln",
        "x" * 2_000,
        "=?utf-8?q?not_what_it_seems?=",
        "tab\there \x00 \x1b[31m",
        "日本語 " * 100,
        "",
    ],
)
def test_any_subject_arrives_as_one_readable_header(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_template(monkeypatch, letters.Letter(subject, "h", "t"))
    raw = compose("job-1", "a@x.org", "any")
    assert_is_wire_format(raw)
    message = parsed(raw)
    assert list(message.keys()) == HEADERS
    visible = "".join(letter if letter.isprintable() else " " for letter in subject)
    assert message["Subject"].split() == visible.split()


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@x.org", "a\nBcc: eve@x.org", "ü\r\n\r\n<b>"])
def test_a_subject_cannot_start_another_header(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_template(monkeypatch, letters.Letter(subject, "h", "t"))
    assert list(parsed(compose("job-1", "a@x.org", "any")).keys()) == HEADERS


BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(text=BODIES, html=BODIES)
def test_any_body_is_carried_whole_and_cannot_end_its_part(text: str, html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        as_template(patch, letters.Letter("s", html, text))
        raw = compose("job-1", "a@x.org", "any")
    assert_is_wire_format(raw)
    message = parsed(raw)
    assert body(message, "plain").splitlines() == (text.splitlines() or [""])
    assert body(message, "html").splitlines() == (html.splitlines() or [""])


def test_a_body_that_quotes_the_boundary_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    boundary = parsed(compose("job-1", "a@x.org", "default")).get_boundary()
    evil = f"--{boundary}--\r\n--{boundary}\r\nContent-Type: text/html\r\n\r\n<b>"
    as_template(monkeypatch, letters.Letter("s", evil, evil))
    message = parsed(compose("job-1", "a@x.org", "any"))
    assert len(list(message.iter_parts())) == 2
    assert body(message, "plain").splitlines() == evil.splitlines()


def test_templates_are_data_beside_the_code() -> None:
    assert letters.FOLDER.parent == Path(messages.__file__).parent
