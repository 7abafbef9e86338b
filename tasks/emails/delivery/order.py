"""What a mailing is: its recipients in chunks, its template and its options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from tasks.emails import addresses
from tasks.emails.mail import templates

RECIPIENTS_PER_CHUNK = 1_000
"""A job takes this many recipients at a time."""

type RawRecipient = str | Sequence[Any]
"""A recipient in the arguments of a job: an address, or an address and the data for its mail."""


class RecipientRow(NamedTuple):
    """One recipient: the address and the template data for this recipient alone.

    ``problem`` says why ``address`` is not an e-mail address; it is "" for a valid one.
    """

    address: str
    data: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class MailingOrder:
    """The arguments of an ``email_blast`` job.

    ``recipients`` came with the order; with ``upload`` they are added in parts before the start.
    ``data`` is for the template of every mail. ``rate`` limits the mails per second; 0 means no
    limit. ``on_unknown`` says whether a mail whose final reply was lost is skipped or sent again.
    ``attachments`` are artifacts, each as key and name. ``letter`` holds the fields of a
    ``RenderedMail``: it is sent as it is, as a test of its template. ``tenant`` owns the job, and
    the mails have its brand; "" means no tenant.
    """

    job_id: str
    recipients: Sequence[RawRecipient] = ()
    template: str = "default"
    data: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0.0
    on_unknown: Literal["skip", "resend"] = "skip"
    upload: bool = False
    attachments: Sequence[Sequence[str]] = ()
    letter: Mapping[str, str] | None = None
    tenant: str = ""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """The attachments of each mail, as key and name."""
        return tuple((key, name) for key, name in self.attachments)

    def list_chunks(self) -> list[str]:
        """The names of the chunks of ``recipients``: ``p0``, ``p1000`` ..."""
        return [f"p{place}" for place in range(0, len(self.recipients), RECIPIENTS_PER_CHUNK)]

    def build_rows(self, chunk: str) -> list[RecipientRow]:
        """The recipients of a chunk that ``list_chunks`` has named."""
        first = int(chunk.removeprefix("p"))
        return [
            row_from_recipient(plain)
            for plain in self.recipients[first : first + RECIPIENTS_PER_CHUNK]
        ]


def check_mailing(recipients: Sequence[object], template: str) -> list[RawRecipient]:
    """The recipients as they are mailed: valid, in order, each mailbox once.

    Each is an address, or a pair of an address and its data. Raises ``InvalidField`` for an unknown
    template (``template``) and for the first invalid address (``recipients[3]``).
    """
    templates.check_template(template)
    return addresses.normalise_recipients(recipients)


def row_from_recipient(plain: RawRecipient) -> RecipientRow:
    """The row of a recipient: an address, or a list that begins with an address."""
    return RecipientRow(plain) if isinstance(plain, str) else RecipientRow(*plain)


def decode_rows(text: bytes) -> list[RecipientRow]:
    """The rows of an uploaded chunk; the inverse of ``encode_row`` for each."""
    return [row_from_recipient(plain) for plain in msgspec.json.decode(text)]


def encode_row(address: str, data: Mapping[str, Any] | None = None, problem: str = "") -> str:
    """A recipient as JSON: the bare address when there is no data and no problem."""
    plain: Any = [address, data, problem] if problem else [address, data] if data else address
    return msgspec.json.encode(plain).decode()
