"""Reads the mails that the bundled mail sink has stored."""

import email
import email.policy
import heapq
import re
from base64 import b64encode
from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import NamedTuple

from project.settings.values import get_settings

HEAD_BYTES = 16_384
IS_MAIL_FILE = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml").fullmatch


class MailSummary(NamedTuple):
    """A mail in a list. ``name`` is the name of its file; ``at`` is its arrival, in UTC."""

    name: str
    at: str
    recipient: str
    subject: str


class Attachment(NamedTuple):
    """A file in a mail: its name, its media type, and its size in bytes."""

    name: str
    type: str
    size: int


class StoredMail(NamedTuple):
    """A whole mail: its headers in their order, its HTML and its plain text ("" for none)."""

    name: str
    subject: str
    headers: list[tuple[str, str]]
    html: str
    text: str
    attachments: Sequence[Attachment] = ()


def list_newest(count: int, before: str = "") -> list[MailSummary]:
    """List the ``count`` newest mails, newest first; with ``before`` only those older than it."""
    folder = get_outbox_folder()
    names = (path.name for path in folder.glob("*.eml")) if folder.is_dir() else ()
    older = (name for name in names if IS_MAIL_FILE(name) and (not before or name < before))
    return [
        brief for name in heapq.nlargest(count, older) if (brief := read_summary(folder / name))
    ]


def read_summary(path: Path) -> MailSummary | None:
    """Read the headers of a mail; None when the sink has just removed it."""
    try:
        with path.open("rb") as file:
            head = BytesHeaderParser(policy=email.policy.default).parsebytes(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return None
    stamp = path.name
    at = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}"
    recipient = head["X-Envelope-To"] or head["To"] or ""
    return MailSummary(
        path.name, at, replace_unencodable(recipient), replace_unencodable(head["Subject"] or "")
    )


def read_mail(name: str) -> StoredMail | None:
    """Read a mail; None when no mail has this name."""
    if not IS_MAIL_FILE(name):
        return None
    try:
        raw = (get_outbox_folder() / name).read_bytes()
    except FileNotFoundError:
        return None
    message = email.message_from_bytes(raw, policy=email.policy.default)
    headers = [(field, replace_unencodable(value)) for field, value in message.items()]
    subject = replace_unencodable(message["Subject"] or "")
    return StoredMail(
        name,
        subject,
        headers,
        show_images(read_part(message, "html"), message),
        read_part(message, "plain"),
        [describe_attachment(part) for part in message.iter_attachments()],
    )


def describe_attachment(part: EmailMessage) -> Attachment:
    """Describe a part of a mail that is a file."""
    name = replace_unencodable(part.get_filename() or "(no name)")
    content = part.get_payload(decode=True)
    return Attachment(
        name, part.get_content_type(), len(content) if isinstance(content, bytes) else 0
    )


def read_part(message: EmailMessage, kind: str) -> str:
    """Return the text of a part; "" when it is missing or not decodable."""
    found = message.get_body((kind,))
    try:
        return replace_unencodable(found.get_content()) if found else ""
    except (LookupError, ValueError):
        return ""


def show_images(html: str, message: EmailMessage) -> str:
    """Return the HTML with the images that the mail carries as ``data:`` URLs."""
    for part in message.walk():
        name = str(part.get("Content-ID", "")).strip("<> ")
        content = part.get_payload(decode=True)
        if name and part.get_content_maintype() == "image" and isinstance(content, bytes):
            url = f"data:{part.get_content_type()};base64,{b64encode(content).decode('ascii')}"
            html = html.replace(f"cid:{name}", url)
    return html


def replace_unencodable(text: object) -> str:
    """Replace characters that UTF-8 cannot encode: header bytes that are not text."""
    return str(text).encode("utf-8", "replace").decode()


def get_outbox_folder() -> Path:
    """Return the folder in which the sink stores mails."""
    return get_settings().data_dir / "outbox"
