"""The roll of a blast: its recipients, in chunks that jobs take one at a time.

A chunk is held for some seconds, longer when its holder asks again, and free after that:
the ledger decides about each recipient, so two at one chunk waste time and mail nobody twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import TakeResult
from tasks.emails.delivery.ledger_store import LedgerStore, compute_retention_seconds

RECIPIENTS_PER_CHUNK = 1_000
"""Recipients that are taken at once."""

HOLD_SECONDS = 60.0
"""More than a server needs for one mail; a job that is run again has its chunk at once."""

type RawRecipient = str | Sequence[Any]


class RecipientRow(NamedTuple):
    """One recipient: the address, what the template is told of it, why it is none ("": it is)."""

    address: str
    data: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class MailingOrder:
    """What a blast is to do.

    ``recipients`` are addresses, or pairs of one and its data, that came with the order; with
    ``upload`` they come apart from it. ``rate``: mails a second, 0 for as many as there can be.
    ``letter``: the fields of a ``Letter`` that is sent as it is, as a test of its template.
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

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """The artifacts that go with each mail, each as key and name."""
        return tuple((key, name) for key, name in self.attachments)

    def chunks(self) -> list[str]:
        """The names of the chunks that came with the order."""
        return [f"p{place}" for place in range(0, len(self.recipients), RECIPIENTS_PER_CHUNK)]

    def rows(self, chunk: str) -> list[RecipientRow]:
        """The rows of a chunk that came with the order."""
        first = int(chunk.removeprefix("p"))
        return [
            row_from_recipient(plain)
            for plain in self.recipients[first : first + RECIPIENTS_PER_CHUNK]
        ]


class RecipientChunks:
    """The chunks of one blast, as the job ``holder`` takes them."""

    def __init__(self, books: LedgerStore, order: MailingOrder, holder: str = "") -> None:
        self._store = books
        self._order = order
        self._blast = order.job_id
        self._holder = holder or order.job_id

    def open(self, retries: int) -> bool:
        """Begin a turn of the blast's own job. False: it is paused."""
        chunks = self._order.chunks()
        move = commands.open_slice(
            self._blast, kept=compute_retention_seconds(), retries=retries, chunks=chunks
        )
        return self._store.run(move)

    def take(self) -> TakeResult:
        """A chunk, the same as long as it is held, or why there is none."""
        return self._store.run(
            commands.take_chunk(self._blast, holder=self._holder, seconds=HOLD_SECONDS)
        )

    def put(self, taken: TakeResult, *, after: float | None, tries: int) -> None:
        """Give the chunk back: for ``after`` seconds, until the next run (``inf``), or for good."""
        move = commands.return_chunk(
            self._blast, taken.chunk, holder=self._holder, after=after, tries=tries
        )
        self._store.run(move)

    def rows(self, taken: TakeResult) -> list[RecipientRow]:
        """The recipients of a chunk."""
        return decode_rows(taken.rows) if taken.rows else self._order.rows(taken.chunk)


def decode_rows(text: bytes) -> list[RecipientRow]:
    """The rows of an uploaded chunk."""
    return [row_from_recipient(plain) for plain in msgspec.json.decode(text)]


def row_from_recipient(plain: RawRecipient) -> RecipientRow:
    """A row as it was ordered or kept: an address, or a list that begins with one."""
    return RecipientRow(plain) if isinstance(plain, str) else RecipientRow(*plain)
