"""The mails that the bundled sink has kept, as they are read."""

import email
import email.policy
import heapq
import re
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import NamedTuple

from project.settings.values import settings

HEAD_BYTES = 16_384
is_name = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml").fullmatch


class Brief(NamedTuple):
    """A mail in a list. ``name`` is its file's; ``at`` when it came, UTC."""

    name: str
    at: str
    recipient: str
    subject: str


class Mail(NamedTuple):
    """A mail that is opened: its headers in their order, and what its parts say."""

    name: str
    subject: str
    headers: list[tuple[str, str]]
    html: str
    text: str


def newest(count: int, before: str = "") -> list[Brief]:
    """The ``count`` that came last, newest first; with ``before`` those older than that name."""
    folder = outbox()
    names = (path.name for path in folder.glob("*.eml")) if folder.is_dir() else ()
    older = (name for name in names if is_name(name) and (not before or name < before))
    return [brief for name in heapq.nlargest(count, older) if (brief := brief_of(folder / name))]


def brief_of(path: Path) -> Brief | None:
    """The head of a mail; None when it has just been dropped for newer ones."""
    try:
        with path.open("rb") as file:
            head = BytesHeaderParser(policy=email.policy.default).parsebytes(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return None
    stamp = path.name
    at = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}"
    recipient = head["X-Envelope-To"] or head["To"] or ""
    return Brief(path.name, at, sayable(recipient), sayable(head["Subject"] or ""))


def opened(name: str) -> Mail | None:
    """One mail; None when there is none of this name."""
    if not is_name(name):
        return None
    try:
        raw = (outbox() / name).read_bytes()
    except FileNotFoundError:
        return None
    message = email.message_from_bytes(raw, policy=email.policy.default)
    headers = [(field, sayable(value)) for field, value in message.items()]
    subject = sayable(message["Subject"] or "")
    return Mail(name, subject, headers, part(message, "html"), part(message, "plain"))


def part(message: EmailMessage, kind: str) -> str:
    """What a part says; "" when there is none, or nobody can read it."""
    found = message.get_body((kind,))
    try:
        return sayable(found.get_content()) if found else ""
    except (LookupError, ValueError):
        return ""


def sayable(text: object) -> str:
    """The text with what cannot be encoded replaced: bytes of a header that are no text."""
    return str(text).encode("utf-8", "replace").decode()


def outbox() -> Path:
    """Where the sink keeps them."""
    return settings().data_dir / "outbox"
