"""The mails that the bundled sink has kept, as they are read."""

import email
import email.policy
import heapq
import re
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import NamedTuple

from project.settings.values import get_settings

HEAD_BYTES = 16_384
IS_MAIL_FILE = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml").fullmatch


class MailSummary(NamedTuple):
    """A mail in a list. ``name`` is its file's; ``at`` when it came, UTC."""

    name: str
    at: str
    recipient: str
    subject: str


class StoredMail(NamedTuple):
    """A mail that is opened: its headers in their order, and what its parts say."""

    name: str
    subject: str
    headers: list[tuple[str, str]]
    html: str
    text: str


def list_newest(count: int, before: str = "") -> list[MailSummary]:
    """The ``count`` that came last, newest first; with ``before`` those older than that name."""
    folder = get_outbox_folder()
    names = (path.name for path in folder.glob("*.eml")) if folder.is_dir() else ()
    older = (name for name in names if IS_MAIL_FILE(name) and (not before or name < before))
    return [
        brief for name in heapq.nlargest(count, older) if (brief := read_summary(folder / name))
    ]


def read_summary(path: Path) -> MailSummary | None:
    """The head of a mail; None when it has just been dropped for newer ones."""
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
    """One mail; None when there is none of this name."""
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
        name, subject, headers, read_part(message, "html"), read_part(message, "plain")
    )


def read_part(message: EmailMessage, kind: str) -> str:
    """What a part says; "" when there is none, or nobody can read it."""
    found = message.get_body((kind,))
    try:
        return replace_unencodable(found.get_content()) if found else ""
    except (LookupError, ValueError):
        return ""


def replace_unencodable(text: object) -> str:
    """The text with what cannot be encoded replaced: bytes of a header that are no text."""
    return str(text).encode("utf-8", "replace").decode()


def get_outbox_folder() -> Path:
    """Where the sink keeps them."""
    return get_settings().data_dir / "outbox"
