import base64
import email
import email.message
import email.policy
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from project.artifacts import links as artifacts
from project.artifacts.links import Artifact
from project.errors import InvalidField, LinkTampered, PermanentError
from project.settings.groups import forget_settings
from project.settings.values import get_settings
from tasks.emails.mail import attachments, mime, templates, unsubscribe
from tasks.emails.mail.compose import compose
from tests.support import mail_data

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "Auto-Submitted",
    "Precedence",
    "MIME-Version",
    "Content-Type",
]


@pytest.fixture(autouse=True)
def sender(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MAIL_FROM", "Continuo <continuo@mail.example.com>")
    forget_settings()
    yield
    monkeypatch.undo()
    forget_settings()


def parse_mail(raw: bytes) -> email.message.EmailMessage:
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


def use_as_template(monkeypatch: pytest.MonkeyPatch, letter: templates.RenderedMail) -> None:
    template = SimpleNamespace(render=lambda **_: letter)
    monkeypatch.setattr(templates, "load_template", lambda _name, _tenant: template)


@pytest.mark.parametrize("template", templates.list_templates())
def test_a_message_has_exactly_these_headers_and_both_bodies(template: str) -> None:
    raw = compose("job-1", "ada@example.org", template, mail_data.build_mail_data())
    assert_is_wire_format(raw)

    message = parse_mail(raw)
    assert list(message.keys()) == HEADERS
    assert message["To"] == "ada@example.org"
    assert message["From"] == "Continuo <continuo@mail.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"
    assert message.get_content_type() == "multipart/alternative"

    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_the_bodies_arrive_unchanged() -> None:
    message = parse_mail(compose("job-1", "ada@example.org", "welcome"))

    letter = templates.load_template("welcome").render(
        recipient="ada@example.org",
        sender="continuo@mail.example.com",
        home_url=get_settings().base_url,
        unsubscribe_url=unsubscribe.build_link("ada@example.org"),
    )

    assert body(message, "plain").splitlines() == letter.text.splitlines()
    assert body(message, "html").splitlines() == letter.html.splitlines()


def test_the_message_id_depends_on_job_and_recipient_and_on_nothing_else() -> None:
    ids = {
        parse_mail(compose(job, recipient, template))["Message-ID"]
        for job in ("1", "2")
        for recipient in ("a@x.org", "b@x.org")
        for template in ("default", "welcome")
    }
    assert len(ids) == 4
    assert all(re.fullmatch(r"<[0-9a-f]{32}@mail\.example\.com>", found) for found in ids)


def test_the_date_is_now() -> None:
    sent = parse_mail(compose("job-1", "a@x.org", "default"))["Date"].datetime.timestamp()
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

    assert list(parse_mail(compose(job_id, "a@x.org", "default")).keys()) == HEADERS


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
    use_as_template(monkeypatch, templates.RenderedMail(subject, "h", "t"))
    raw = compose("job-1", "a@x.org", "any")
    assert_is_wire_format(raw)

    message = parse_mail(raw)
    assert list(message.keys()) == HEADERS

    visible = "".join(letter if letter.isprintable() else " " for letter in subject)
    assert message["Subject"].split() == visible.split()


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@x.org", "a\nBcc: eve@x.org", "ü\r\n\r\n<b>"])
def test_a_subject_cannot_start_another_header(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_as_template(monkeypatch, templates.RenderedMail(subject, "h", "t"))
    assert list(parse_mail(compose("job-1", "a@x.org", "any")).keys()) == HEADERS


BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(text=BODIES, html=BODIES)
def test_any_body_arrives_whole_and_cannot_end_its_part(text: str, html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_as_template(patch, templates.RenderedMail("s", html, text))
        raw = compose("job-1", "a@x.org", "any")
    assert_is_wire_format(raw)

    message = parse_mail(raw)
    assert body(message, "plain").splitlines() == (text.splitlines() or [""])
    assert body(message, "html").splitlines() == (html.splitlines() or [""])


def test_a_body_that_quotes_the_boundary_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    boundary = parse_mail(compose("job-1", "a@x.org", "default")).get_boundary()
    evil = f"--{boundary}--\r\n--{boundary}\r\nContent-Type: text/html\r\n\r\n<b>"
    use_as_template(monkeypatch, templates.RenderedMail("s", evil, evil))

    message = parse_mail(compose("job-1", "a@x.org", "any"))

    assert len(list(message.iter_parts())) == 2
    assert body(message, "plain").splitlines() == evil.splitlines()


def test_the_templates_are_files_of_the_package() -> None:
    assert templates.SHIPPED_FOLDER.parent == Path(mime.__file__).parents[1]


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://mail.example.com")
    forget_settings()


@pytest.mark.usefixtures("public")
def test_one_click_unsubscribe_is_offered_over_https() -> None:
    message = parse_mail(compose("job-1", "ada@example.org", "default"))
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    link = str(message["List-Unsubscribe"])
    assert link.startswith("<https://mail.example.com/u/")

    token = link.rpartition("/")[2].removesuffix(">")
    assert unsubscribe.resolve_token(token) == "ada@example.org"
    assert link[1:-1] in body(message, "plain")


def test_a_changed_link_unsubscribes_no_one() -> None:
    token = unsubscribe.build_link("ada@example.org").rpartition("/")[2]
    for wrong in (token[:-1], token.replace("I", "J", 1), "", "x.y"):
        with pytest.raises(LinkTampered):
            unsubscribe.resolve_token(wrong)


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    if found is None and os.environ.get("CI"):
        pytest.fail("openssl is not installed")
    return found or pytest.skip("openssl is not installed")


@pytest.fixture(scope="module")
def key(openssl: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dkim") / "key.pem"
    subprocess.run([openssl, "genrsa", "-out", file, "2048"], check=True, capture_output=True)
    return file


@pytest.mark.usefixtures("public")
def test_a_signed_mail_is_verified_and_its_unsubscribe_headers_are_covered(
    key: Path, openssl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUO_DKIM_KEY", str(key))
    forget_settings()
    raw = compose("job-1", "ada@example.org", "welcome")
    assert_is_wire_format(raw)

    command = [openssl, "rsa", "-in", key, "-pubout", "-outform", "DER"]
    public = subprocess.run(command, check=True, capture_output=True).stdout
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    assert dkim.verify(raw, dnsfunc=dns)
    assert asked == [b"continuo._domainkey.mail.example.com."]
    assert not dkim.verify(raw.replace(b"One-Click", b"Two-Click"), dnsfunc=dns)
    assert not dkim.verify(raw.replace(b"Continuo", b"Staccato"), dnsfunc=dns)


def test_an_unusable_key_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no.pem").write_text("not a key")
    for name in ("no.pem", "nowhere.pem"):
        monkeypatch.setenv("CONTINUO_DKIM_KEY", str(tmp_path / name))
        forget_settings()
        with pytest.raises(ValidationError, match="CONTINUO_DKIM_KEY"):
            compose("job-1", "ada@example.org", "default")


def store_file(content: bytes, name: str) -> Artifact:
    with artifacts.open_workshop() as folder:
        file = folder / "file"
        file.write_bytes(content)
        return artifacts.store_artifact(file, name)


def test_artifacts_are_attached_and_arrive_unchanged() -> None:
    pdf = b"\x00\xff." * 5_000
    links = [
        artifacts.build_link(store_file(pdf, "report.pdf")),
        artifacts.build_link(store_file(b"a,b", "\u00fc.csv")),
    ]
    files = tuple((key, name) for key, name in attachments.resolve_links(links))
    raw = compose("job-1", "ada@example.org", "default", files=files)
    assert_is_wire_format(raw)

    message = parse_mail(raw)
    assert message.get_content_type() == "multipart/mixed"
    assert "your address works" in body(message, "plain")

    found = [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]
    assert found == [("report.pdf", pdf), ("\u00fc.csv", "a,b")]


def test_an_invalid_link_is_refused_and_a_removed_file_fails_for_good() -> None:
    with pytest.raises(InvalidField, match=r"attachments\[1\]: is no download link"):
        attachments.resolve_links(
            [artifacts.build_link(store_file(b"x", "x.txt")), "http://x.org/y"]
        )
    with pytest.raises(InvalidField, match="at most 10"):
        attachments.resolve_links(["x"] * 11)

    with pytest.raises(PermanentError, match="gone"):
        compose("job-1", "ada@example.org", "default", files=(("0" * 64 + ".pdf", "gone.pdf"),))


def test_attachments_that_are_too_large_fail_for_good() -> None:
    large = store_file(bytes(attachments.MAX_ATTACHMENT_BYTES + 1), "large.bin")
    with pytest.raises(PermanentError, match="more than 7000000 bytes"):
        compose("job-1", "ada@example.org", "default", files=(tuple(large),))
