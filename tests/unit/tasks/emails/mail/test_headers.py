"""The headers of every shipped mail, by the rules of the RFCs."""

import re
from collections import Counter
from collections.abc import Iterator
from email.utils import getaddresses, parsedate_to_datetime

import pytest

from project.settings.groups import forget_settings
from tasks.emails.mail import templates
from tasks.emails.mail.compose import compose
from tests.support import mail_data

ONCE = ("date", "from", "to", "subject", "message-id", "mime-version", "content-type")
"""Required here, and allowed but once (RFC 5322, 3.6; RFC 2045)."""

LINE, WANTED_LINE = 998, 78
MESSAGE_ID = re.compile(r"<[A-Za-z0-9]{16,64}@[a-z0-9.-]+>")
ENCODED_WORD = re.compile(r"=\?utf-8\?[bq]\?[!-~]{1,63}\?=")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def headers_of(raw: bytes) -> list[tuple[str, str]]:
    """Names in lower case and values, still folded."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    return [
        (name.lower(), value.strip(" "))
        for name, _, value in (line.partition(":") for line in re.split(r"\r\n(?![ \t])", head))
    ]


def faults(raw: bytes) -> Iterator[str]:
    """What is wrong with the headers of a mail."""
    headers = headers_of(raw)
    counts, said = Counter(name for name, _ in headers), dict(headers)
    yield from (f"{name}: {counts[name]} of them" for name in ONCE if counts[name] != 1)
    if not all(counts[name] for name in ONCE):
        return
    yield from (f"{name}: twice" for name, count in counts.items() if count > 1)
    yield from (f"{name!r} is no name" for name in counts if not TOKEN.fullmatch(name))
    yield from lines_at_fault(headers)
    yield from addresses_at_fault(said)
    if not MESSAGE_ID.fullmatch(said["message-id"]):
        yield f"message-id: {said['message-id']}"
    if parsedate_to_datetime(said["date"]).tzinfo is None and not said["date"].endswith("-0000"):
        yield f"date: {said['date']} has no zone"
    yield from list_at_fault(said)


def lines_at_fault(headers: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in headers:
        lines = f"{name}: {value}".split("\r\n")
        yield from (f"{name}: a line of {len(line)}" for line in lines if len(line) > LINE)
        can_fold = any(len(line) > WANTED_LINE and " " in line.strip() for line in lines[1:])
        yield from [f"{name}: not folded well"] if can_fold else []
        yield from (f"{name}: an empty line" for line in lines if not line.strip())
        words = [word for word in value.split() if word.startswith("=?")]
        yield from (f"{name}: {word}" for word in words if not ENCODED_WORD.fullmatch(word))
        if not value.replace("\r\n", "").replace("\t", " ").isprintable():
            yield f"{name}: what cannot be printed"


def addresses_at_fault(said: dict[str, str]) -> Iterator[str]:
    for name in ("from", "to"):
        found = getaddresses([said[name]])
        if len(found) != 1 or "@" not in found[0][1]:
            yield f"{name}: {said[name]}"
    domain = getaddresses([said["from"]])[0][1].rpartition("@")[2]
    if not said["message-id"].endswith(f"@{domain}>"):
        yield "message-id: not of the domain of the sender"


def list_at_fault(said: dict[str, str]) -> Iterator[str]:
    """RFC 2369 and 8058: one link in angle brackets, one click over https and nowhere else."""
    link = said.get("list-unsubscribe", "")
    if not re.fullmatch(r"<https?://[!-;=?-~]+>", link):
        yield f"list-unsubscribe: {link}"
    one_click = said.get("list-unsubscribe-post")
    if one_click != ("List-Unsubscribe=One-Click" if link.startswith("<https:") else None):
        yield f"list-unsubscribe-post: {one_click}"


@pytest.fixture(params=["http://127.0.0.1:8000", "https://mail.example.com"], autouse=True)
def public(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PUBLIC_URL", request.param)
    monkeypatch.setenv("MAIL_FROM", "J\u00fcrgen, Continuo <continuo@mail.example.com>")
    forget_settings()
    yield
    monkeypatch.undo()
    forget_settings()


@pytest.mark.parametrize("template", templates.list_templates())
def test_the_headers_of_every_shipped_mail_are_valid(template: str) -> None:
    raw = compose("job-1", f"{'a' * 64}@example.org", template, mail_data.build_mail_data())
    assert list(faults(raw)) == []


@pytest.mark.parametrize(
    "subject",
    [
        "Gr\u00fc\u00dfe " * 60,
        "\U0001f600" * 200,
        "plain words " * 80,
        "x" * 1_500,
        "=?utf-8?q?a?=",
    ],
)
def test_the_headers_of_a_mail_with_any_subject_are_valid(subject: str) -> None:
    letter = {"subject": subject, "html": "h", "text": "t"}

    raw = compose("job-1", "ada@example.org", "default", letter=letter)

    assert list(faults(raw)) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"Subject: ", b"Subject: one\r\nSubject: "),
        (b"Date: ", b"X-Date: "),
        (b"Message-ID: <", b"Message-ID: "),
        (b"To: ", b"To: bob@example.org, "),
        (b"List-Unsubscribe: <", b"List-Unsubscribe: "),
        (b"Precedence: bulk", b"Precedence: " + b"bulk " * 300),
    ],
)
def test_the_rules_find_invalid_headers(good: bytes, bad: bytes) -> None:
    raw = compose("job-1", "ada@example.org", "default")
    assert list(faults(raw.replace(good, bad, 1)))
