"""The message one recipient gets, as the bytes that go over the wire.

Built by hand, not with ``EmailMessage``: it costs a twentieth, and everything
that varies is an address that was checked, a digest, or encoded text.
"""

import hashlib
from binascii import b2a_qp
from collections.abc import Mapping, Sequence
from email.header import Header
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from project.errors import InvalidField
from project.settings.values import get_settings
from tasks.emails import addresses
from tasks.emails.addresses import Sender
from tasks.emails.mail import attachments, dkim_signature, templates, unsubscribe
from tasks.emails.mail.templates import RenderedMail

MAX_PLAIN_SUBJECT_CHARACTERS = 200
"""Longer subjects are folded (as encoded words), as RFC 5322 asks for."""

MAX_ENCODED_WORD_CHARACTERS = 75
"""Characters of an encoded word (RFC 2047)."""

_MESSAGE_TEMPLATE = """\
From: {sender}
To: {recipient}
Subject: {subject}
Date: {date}
Message-ID: <{digest}@{domain}>
List-Unsubscribe: <{unsubscribe}>
{one_click}Auto-Submitted: auto-generated
Precedence: bulk
MIME-Version: 1.0
{body}""".replace("\n", "\r\n")

_BODY_TEMPLATE = """\
Content-Type: multipart/alternative; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

{text}
--{boundary}
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

{html}
--{boundary}--
""".replace("\n", "\r\n")


_ONE_CLICK_HEADER = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
"""RFC 8058 has it for https alone."""


def compose(
    job_id: str,
    recipient: str,
    template: str,
    data: Mapping[str, Any] | None = None,
    files: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The mail of this job for one recipient: pure ASCII, lines end with CRLF.

    The same job and recipient always get the same Message-ID. ``recipient``
    comes from ``check``; anything that is not one plain address is refused.
    ``files`` are artifacts that go with it, each as key and name.
    Raises ``InvalidField``, or ``PermanentError`` when the template fails.
    """
    link = unsubscribe.build_link(recipient)
    letter = templates.load_template(template).render(
        **build_template_values(recipient, link, data)
    )
    return build_signed_mail(job_id, recipient, letter, link, files)


def build_signed_mail(
    job_id: str,
    recipient: str,
    letter: RenderedMail,
    link: str,
    files: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The mail with this letter, signed; ``link`` unsubscribes. Raises as ``compose`` does."""
    if not addresses.is_plain_address(recipient):
        raise InvalidField("recipient", f"{recipient[:80]!r} is not one plain e-mail address")
    raw = build_unsigned_mail(job_id, recipient, letter, link, attachments.load_parts(files))
    return dkim_signature.sign(raw, get_sender().domain)


def get_sender() -> Sender:
    """Who the mails come from."""
    return addresses.parse_sender(get_settings().mail_from)


def build_template_values(
    recipient: str, link: str, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All that a template is told for one recipient; ``link`` unsubscribes."""
    return {
        **(data or {}),
        "recipient": recipient,
        "sender": get_sender().address,
        "home_url": get_settings().base_url,
        "unsubscribe_url": link,
    }


def build_unsigned_mail(
    job_id: str, recipient: str, letter: RenderedMail, link: str, parts: Sequence[str] = ()
) -> bytes:
    """The mail with this letter and these parts attached, not signed."""
    digest = hashlib.sha256(f"{job_id}|{recipient}".encode()).hexdigest()[:32]
    return _MESSAGE_TEMPLATE.format(
        sender=get_sender().header,
        recipient=recipient,
        subject=_encode_subject(letter.subject),
        date=formatdate(),
        digest=digest,
        domain=get_sender().domain,
        unsubscribe=link,
        one_click=_ONE_CLICK_HEADER if link.startswith("https://") else "",
        body=_format_body(letter, parts, digest),
    ).encode("ascii")


def _format_body(letter: RenderedMail, parts: Sequence[str], digest: str) -> str:
    # "=_" cannot occur in quoted-printable text nor in Base64, so neither can these boundaries
    text, html = _encode_quoted_printable(letter.text), _encode_quoted_printable(letter.html)
    body = _BODY_TEMPLATE.format(boundary=f"=_{digest}", text=text, html=html)
    if not parts:
        return body
    line = f"--=_mixed_{digest}"
    pieces = "".join(f"{line}\r\n{part}" for part in (body, *parts))
    head = f'Content-Type: multipart/mixed; boundary="{line.removeprefix("--")}"'
    return f"{head}\r\n\r\n{pieces}{line}--\r\n"


@lru_cache(maxsize=64)
def _encode_subject(text: str) -> str:
    is_plain = text.isascii() and text.isprintable() and "=?" not in text
    if is_plain and len(text) <= MAX_PLAIN_SUBJECT_CHARACTERS:
        return text
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return Header(visible, "utf-8", header_name="Subject").encode(
        "", MAX_ENCODED_WORD_CHARACTERS, "\r\n"
    )


def _encode_quoted_printable(text: str) -> str:
    """Quoted-printable; every line ends with CRLF, from which the encoder learns to use it too."""
    lines = "".join(f"{line}\r\n" for line in text.splitlines() or [""])
    return b2a_qp(lines.encode()).decode("ascii")
