"""Redis commands of mailings that the API runs too: uploads, pause, reads and suppressions.

Their scripts, and those of ``mailing`` and ``rate_limit``, are in ``lua/`` beside this file.
``mailing_id`` is the id of the ``email_blast`` job, ``key`` an address as ``ledger.fold_address``
gives it.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from project.store.commands.command import Argument, Command, Field, new_call_id
from project.store.scripts import add_scripts

add_scripts(files("tasks.emails.delivery") / "lua", library=["mail"], prefix="emails/")


class RecipientLine(NamedTuple):
    """A recipient to add: its key, its first state ("" or ``invalid``) and its row as JSON."""

    key: str
    state: str
    row: str


class AddResult(NamedTuple):
    """The result of ``add_recipients``; ``total`` counts all recipients of the mailing."""

    how: Literal["added", "closed", "full", "unknown"]
    added: int = 0
    invalid: int = 0
    doubled: int = 0
    total: int = 0


class MailingTally(NamedTuple):
    """The ledger in numbers: recipients per state, and recipients with a ledger entry.

    Times are seconds since 1970: the start of the first slice (None: not started), and the moment
    of this tally. ``connections`` counts the SMTP connections opened so far.
    """

    counts: dict[str, int]
    entries: int
    started_at: float | None
    read_at: float
    connections: int


class Suppression(NamedTuple):
    """An address that gets no mail, the reason, and since when (seconds since 1970)."""

    address: str
    reason: str
    since: float


class SuppressionPage(NamedTuple):
    """A page of the suppression list, its total size, and the next cursor ("" on the last page)."""

    suppressions: list[Suppression]
    total: int
    cursor: str


def add_recipients(
    mailing_id: str, lines: Iterable[RecipientLine], *, keep_seconds: int, max_recipients: int
) -> Command[AddResult]:
    """Add recipients to a mailing that waits for them, up to ``max_recipients`` in total."""
    flat = [field for line in lines for field in line]

    def parse(answer: list[Any]) -> AddResult:
        how: Any = decode_text(answer[0])
        if how == "full":
            return AddResult(how, total=answer[1])
        return AddResult(how, *answer[1:])

    head: list[Argument] = [mailing_id, new_call_id(), keep_seconds, max_recipients]
    return Command("emails/chunks/add", [*head, *flat], parse)


def start_mailing(mailing_id: str, *, keep_seconds: int) -> Command[str]:
    """Make a mailing due: ``started``, ``again`` (it was), ``closed`` or ``unknown``."""
    return Command("emails/chunks/start", (mailing_id, keep_seconds), decode_text)


def set_paused(mailing_id: str, *, paused: bool, keep_seconds: int) -> Command[bool]:
    """Pause or resume a mailing. False: it is over."""
    return Command("emails/chunks/pause", (mailing_id, "1" if paused else "", keep_seconds), bool)


def read_upload_state(mailing_id: str) -> Command[tuple[bool, int]]:
    """Whether the mailing was started after its uploads, and its number of uploaded chunks."""
    return Command(
        "emails/chunks/about", (mailing_id,), lambda pair: (pair[0] is not None, int(pair[1] or 0))
    )


def read_rows(mailing_id: str, chunk: str) -> Command[bytes]:
    """The rows of an uploaded chunk as JSON; empty for an unknown chunk."""
    return Command("emails/chunks/rows", (mailing_id, chunk), lambda value: value or b"")


def read_states(mailing_id: str, keys: Sequence[str]) -> Command[list[str]]:
    """The state of each recipient, "" for one without a state."""
    return Command(
        "emails/ledger/states",
        (mailing_id, *keys),
        lambda values: [decode_text(value) for value in values],
    )


def read_tally(mailing_id: str) -> Command[MailingTally]:
    """The progress of a mailing; the cost does not depend on the number of recipients."""

    def parse(answer: list[Any]) -> MailingTally:
        entries, started_at, read_at, connections, *pairs = answer
        counts = {
            decode_text(state): int(count)
            for state, count in zip(pairs[::2], pairs[1::2], strict=True)
        }
        started = float(started_at) if started_at else None
        return MailingTally(counts, entries, started, float(read_at), int(connections))

    return Command("emails/ledger/tally", (mailing_id,), parse)


def suppress(keys: Iterable[str], reason: str) -> Command[int]:
    """Add addresses to the suppression list; the number of new ones."""
    return Command("emails/suppressions/suppress", (reason, *keys), int)


def allow(key: str) -> Command[bool]:
    """Remove an address from the suppression list. False: it was not on the list."""
    return Command("emails/suppressions/allow", (key,), bool)


def read_suppression(key: str) -> Command[Suppression | None]:
    """The entry of an address on the suppression list, or None."""
    return Command(
        "emails/suppressions/suppressed",
        (key,),
        lambda value: parse_suppression(key, value) if value else None,
    )


def read_suppression_page(cursor: str, count: int) -> Command[SuppressionPage]:
    """About ``count`` entries of the suppression list, from a cursor on ("": from the start)."""

    def parse(answer: list[Any]) -> SuppressionPage:
        following, total, pairs = answer
        entries = zip(pairs[::2], pairs[1::2], strict=True)
        found = [parse_suppression(decode_text(key), value) for key, value in entries]
        cursor = decode_text(following)
        return SuppressionPage(found, total, "" if cursor == "0" else cursor)

    return Command("emails/suppressions/suppressions", (cursor or "0", count), parse)


def parse_suppression(key: str, value: Field | str) -> Suppression:
    """A stored entry of the suppression list: ``REASON SECONDS``."""
    reason, _, since = decode_text(value).rpartition(" ")
    return Suppression(key, reason, float(since))


def decode_text(value: Field | str) -> str:
    """An answer as text, from a client that decodes answers or one that does not; None is ""."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else value
