"""The MIME message for one recipient, as the bytes that go over the wire.

Built by hand, not with ``EmailMessage``: that costs a twentieth. Everything that varies is a
checked address, a digest or encoded text.
"""

import hashlib
from binascii import b2a_qp
from collections.abc import Sequence
from email.header import Header
from email.utils import formatdate
from functools import lru_cache

from project.text import replace_unprintable
from tasks.emails.addresses import Sender
from tasks.emails.mail.brand import LOGO_URL
from tasks.emails.mail.templates import RenderedMail

MAX_PLAIN_SUBJECT_CHARACTERS = 200
"""A longer subject is folded into encoded words, as RFC 5322 asks."""

MAX_ENCODED_WORD_CHARACTERS = 75
"""The limit of RFC 2047."""

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
{html}--{boundary}--
""".replace("\n", "\r\n")

_HTML_TEMPLATE = """\
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

{html}
""".replace("\n", "\r\n")

_RELATED_TEMPLATE = """\
Content-Type: multipart/related; boundary="{boundary}"

--{boundary}
{html}--{boundary}
{logo}--{boundary}--
""".replace("\n", "\r\n")

_ONE_CLICK_HEADER = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
"""RFC 8058 allows it for https only."""


def build_mail(
    job_id: str,
    sender: Sender,
    recipient: str,
    letter: RenderedMail,
    link: str,
    parts: Sequence[str] = (),
    logo: str = "",
) -> bytes:
    """The mail without a DKIM signature; ``parts`` are attached and ``link`` unsubscribes.

    ``logo`` is a MIME part, used when the HTML shows it.
    """
    digest = build_digest(job_id, recipient)
    return _MESSAGE_TEMPLATE.format(
        sender=sender.header,
        recipient=recipient,
        subject=_encode_subject(letter.subject),
        date=formatdate(),
        digest=digest,
        domain=sender.domain,
        unsubscribe=link,
        one_click=_ONE_CLICK_HEADER if link.startswith("https://") else "",
        body=_format_body(letter, parts, digest, logo),
    ).encode("ascii")


def build_digest(job_id: str, recipient: str) -> str:
    """The first part of the Message-ID; who knows it has got the mail, or knows the job."""
    return hashlib.sha256(f"{job_id}|{recipient}".encode()).hexdigest()[:32]


def _format_body(letter: RenderedMail, parts: Sequence[str], digest: str, logo: str) -> str:
    # "=_" cannot occur in quoted-printable text nor in Base64, so neither can these boundaries
    text = _encode_quoted_printable(letter.text)
    html = _HTML_TEMPLATE.format(html=_encode_quoted_printable(letter.html))
    if logo and LOGO_URL in letter.html:
        html = _RELATED_TEMPLATE.format(boundary=f"=_related_{digest}", html=html, logo=logo)
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
    return Header(replace_unprintable(text), "utf-8", header_name="Subject").encode(
        "", MAX_ENCODED_WORD_CHARACTERS, "\r\n"
    )


def _encode_quoted_printable(text: str) -> str:
    """Quoted-printable with CRLF: the encoder ends its lines as the first line of the text ends."""
    lines = "".join(f"{line}\r\n" for line in text.splitlines() or [""])
    return b2a_qp(lines.encode()).decode("ascii")
