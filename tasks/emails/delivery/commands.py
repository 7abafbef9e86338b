"""What the e-mail blasts ask of Redis, by name: moves like those of ``project.moves``.

Their scripts are in ``lua/`` beside this file. ``blast`` is the id of its job, ``who`` a
folded address.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import msgspec

from project.store.commands.command import Argument, Command, Field
from project.store.commands.jobs import new_call_id
from project.store.scripts import add_scripts

add_scripts(files("tasks.emails.delivery") / "lua", library=["mail"], prefix="emails/")


class RecipientLine(NamedTuple):
    """A recipient as it is added: folded, its first state, and its row as JSON."""

    who: str
    state: str
    row: str


class AddResult(NamedTuple):
    """What became of recipients that were added, and how many there are now."""

    how: Literal["added", "closed", "full", "unknown"]
    added: int = 0
    invalid: int = 0
    doubled: int = 0
    total: int = 0


class TakeResult(NamedTuple):
    """What there is to do for somebody who wants a chunk.

    ``chunk``: that one, of which ``rows`` is the JSON when it was uploaded, ``tries`` how often
    it was gone through, ``free`` how many others can be taken. ``wait``: for so many seconds.
    ``done``, ``left`` (but for people put off too often), ``paused``, ``over``: nothing.
    """

    how: Literal["chunk", "wait", "done", "left", "paused", "over"]
    chunk: str = ""
    tries: int = 0
    rows: bytes = b""
    free: int = 0
    wait: float = 0.0


class MailingTally(NamedTuple):
    """How many recipients are in each state, how many have a line at all, since when and until.

    ``connections`` to the mail server were opened so far.
    """

    counts: dict[str, int]
    lines: int
    began: float | None
    at: float
    connections: int


def claim(blast: str, who: str, *, attempt: str, kept: int, resend: bool) -> Command[bool]:
    """An attempt wants to mail a recipient. False: it must not."""
    arguments = (blast, who, attempt, kept, "1" if resend else "")
    return Command("emails/ledger/claim", arguments, lambda answer: decode_text(answer) == "go")


def change_state(
    blast: str, who: str, *, attempt: str, state: str, reason: str = ""
) -> Command[bool]:
    """A claimed recipient goes on to ``state``. False: it is not this attempt's any more.

    With a ``reason`` the address is suppressed for every blast.
    """
    return Command("emails/ledger/move", (blast, who, attempt, state, reason), bool)


def count_connection(blast: str, *, kept: int) -> Command[int]:
    """A connection to the mail server was opened; how many that makes."""
    return Command("emails/ledger/connect", (blast, kept), int)


def read_tally(blast: str) -> Command[MailingTally]:
    """How a blast is doing; its cost does not depend on how many recipients there are."""

    def parse(answer: list[Any]) -> MailingTally:
        lines, began, at, connections, *pairs = answer
        counts = {
            decode_text(name): int(n) for name, n in zip(pairs[::2], pairs[1::2], strict=True)
        }
        since = float(began) if began else None
        return MailingTally(counts, lines, since, float(at), int(connections))

    return Command("emails/ledger/tally", (blast,), parse)


def read_states(blast: str, people: Sequence[str]) -> Command[list[str]]:
    """The state of each, "" for those without one."""
    return Command(
        "emails/ledger/states",
        (blast, *people),
        lambda values: [decode_text(value) for value in values],
    )


def open_slice(blast: str, *, kept: int, retries: int, chunks: Iterable[str]) -> Command[bool]:
    """A turn of the blast's own job begins. False: it is paused."""
    return Command("emails/chunks/open", (blast, kept, retries, *chunks), bool)


def expire_mailing(blast: str, seconds: int) -> Command[bool]:
    """Forget all of a blast after so long."""
    return Command("emails/chunks/keep", (blast, seconds), bool)


def take_chunk(blast: str, *, holder: str, seconds: float) -> Command[TakeResult]:
    """Give a job a chunk to hold for so long; the one it has already, if it has one."""

    def parse(answer: list[Any]) -> TakeResult:
        how: Any = decode_text(answer[0])
        if how == "wait":
            return TakeResult(how, wait=float(answer[1]))
        if how != "chunk":
            return TakeResult(how)
        _, chunk, tries, rows, free = answer
        rows = rows.encode() if isinstance(rows, str) else rows
        return TakeResult(how, decode_text(chunk), int(tries), rows, int(free))

    return Command("emails/chunks/take", (blast, holder, seconds), parse)


def return_chunk(
    blast: str, chunk: str, *, holder: str, after: float | None, tries: int
) -> Command[bool]:
    """Give a chunk back for ``after`` seconds (``inf``: until the next run); None: it is done."""
    said: Argument = "" if after is None else "inf" if after == float("inf") else after
    return Command("emails/chunks/put", (blast, holder, chunk, said, tries), bool)


def set_paused(blast: str, *, paused: bool, kept: int) -> Command[bool]:
    """Hold a blast, or let it go on. False: it is over."""
    return Command("emails/chunks/pause", (blast, "1" if paused else "", kept), bool)


def add_recipients(
    blast: str, lines: Iterable[RecipientLine], *, kept: int, most: int
) -> Command[AddResult]:
    """Add recipients to a blast that waits for them, unless it would have more than ``most``."""
    flat = [field for line in lines for field in line]

    def parse(answer: list[Any]) -> AddResult:
        how: Any = decode_text(answer[0])
        if how == "full":
            return AddResult(how, total=answer[1])
        return AddResult(how, *answer[1:])

    return Command("emails/chunks/add", (blast, new_call_id(), kept, most, *flat), parse)


def start_mailing(blast: str, *, kept: int) -> Command[str]:
    """All recipients are there: ``started``, ``again``, ``closed`` or ``unknown``."""
    return Command("emails/chunks/start", (blast, kept), decode_text)


def read_upload_state(blast: str) -> Command[tuple[bool, int]]:
    """Whether the uploads of a blast are complete, and how many chunks they are."""
    return Command(
        "emails/chunks/about", (blast,), lambda pair: (pair[0] is not None, int(pair[1] or 0))
    )


def read_rows(blast: str, chunk: str) -> Command[bytes]:
    """The rows of an uploaded chunk, JSON; empty when there is none."""
    return Command("emails/chunks/rows", (blast, chunk), lambda value: value or b"")


def acquire_rate_permit(limits: Sequence[tuple[str, float]]) -> Command[tuple[float, int]]:
    """Whether one mail may go: seconds to wait, and the place of the limit to wait for."""
    flat = [item for limit in limits for item in limit]
    return Command("emails/rate_limits/pace", flat, lambda pair: (pair[0] / 1000, pair[1]))


class Suppression(NamedTuple):
    """An address that gets no mail, why, and since when (seconds since 1970)."""

    address: str
    reason: str
    since: float


class SuppressionPage(NamedTuple):
    """A page of them, how many there are, and where the next page begins; "" after the last."""

    found: list[Suppression]
    total: int
    cursor: str


def suppress(people: Iterable[str], reason: str) -> Command[int]:
    """Let these get no mail any more; how many are new on the list."""
    return Command("emails/suppressions/suppress", (reason, *people), int)


def allow(who: str) -> Command[bool]:
    """Let this one get mail again. False: it was not on the list."""
    return Command("emails/suppressions/allow", (who,), bool)


def read_suppression(who: str) -> Command[Suppression | None]:
    """Why this one gets no mail; None: it does."""
    return Command(
        "emails/suppressions/suppressed",
        (who,),
        lambda value: parse_suppression(who, value) if value else None,
    )


def read_suppression_page(cursor: str, count: int) -> Command[SuppressionPage]:
    """Some ``count`` of those on the list, from a cursor on."""

    def parse(answer: list[Any]) -> SuppressionPage:
        following, total, pairs = answer
        people = zip(pairs[::2], pairs[1::2], strict=True)
        found = [parse_suppression(decode_text(who), value) for who, value in people]
        cursor = decode_text(following)
        return SuppressionPage(found, total, "" if cursor == "0" else cursor)

    return Command("emails/suppressions/suppressions", (cursor or "0", count), parse)


def parse_suppression(who: str, value: Field | str) -> Suppression:
    """An entry of the list as it is kept."""
    reason, _, since = decode_text(value).rpartition(" ")
    return Suppression(who, reason, float(since))


def encode_row(address: str, data: Mapping[str, Any] | None = None, problem: str = "") -> str:
    """A recipient as it is kept; the bare address when that is all."""
    plain: Any = [address, data, problem] if problem else [address, data] if data else address
    return msgspec.json.encode(plain).decode()


def decode_text(value: Field | str) -> str:
    """An answer as text, whether or not the client has decoded it."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else value
