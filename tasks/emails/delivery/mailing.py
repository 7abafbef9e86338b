"""The state of one mailing in Redis: its chunks of recipients, and its ledger."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from project.errors import PermanentError
from project.settings.values import DAY_SECONDS, get_settings
from project.store.commands.command import Argument, Command
from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import MailingTally, decode_text
from tasks.emails.delivery.ledger import RecipientOutcome, fold_address, is_open
from tasks.emails.delivery.ledger_store import LedgerStore, compute_retention_seconds
from tasks.emails.delivery.order import MailingOrder, RecipientRow, decode_rows

HOLD_SECONDS = 60.0
"""A job holds its chunk this long after it asked for it; more than a server needs for one mail."""


class TakeResult(NamedTuple):
    """The answer to a job that asks for a chunk.

    ``chunk``: take that one. ``rows`` is its JSON when it was uploaded, ``tries`` how often it was
    put back, ``free`` how many other chunks can be taken. ``wait``: ask again after ``wait``
    seconds. There is nothing to do when the mailing is ``done``, ``paused``, ``over`` (cancelled,
    say), or when only recipients are ``left`` who were put off too often.
    """

    how: Literal["chunk", "wait", "done", "left", "paused", "over"]
    chunk: str = ""
    tries: int = 0
    rows: bytes = b""
    free: int = 0
    wait: float = 0.0


class Mailing:
    """One mailing, as one attempt of the job ``holder`` works on it.

    Create one per attempt, also for a redelivered job: each has its own id in the ledger. The
    ledger decides about each recipient, so two jobs with the same chunk mail no recipient twice.
    The ledger expires ``keep_seconds`` after the last claim. Every method can be called again when
    its answer was lost, and raises ``TransientError`` when Redis fails.
    """

    def __init__(
        self, order: MailingOrder, store: LedgerStore, holder: str = "", keep_seconds: int = 0
    ) -> None:
        self.order = order
        self.store = store
        self._holder = holder or order.job_id
        self._keep_seconds = keep_seconds or compute_retention_seconds()
        self._attempt = uuid.uuid4().hex
        self._can_resend = order.on_unknown == "resend"

    def require_recipients(self) -> None:
        """Raise ``PermanentError`` when the uploads were not completed before the deadline."""
        command = commands.read_upload_state(self.order.job_id)
        if self.order.upload and not self.store.run(command)[0]:
            raise PermanentError(
                "its recipients were never complete: it was not started in time, "
                "order the mailing again"
            )

    def open(self, retries: int) -> bool:
        """Begin a slice of the mailing's own job. False: the mailing is paused.

        The first call adds the chunks of the order; a call with more ``retries`` than before frees
        the chunks that were put off too often.
        """
        head: list[Argument] = [self._keep_seconds, retries, self.order.template]
        return self._run("chunks/open", [*head, *self.order.list_chunks()], bool)

    def take_chunk(self) -> TakeResult:
        """Take a chunk, or prolong the one this job holds."""
        return self._run("chunks/take", (self._holder, HOLD_SECONDS), parse_take_result)

    def return_chunk(self, chunk: str, *, after: float | None, tries: int) -> bool:
        """Put a chunk back: free after seconds, on the next run (``inf``), or done (None).

        False: this job does not hold the chunk any more.
        """
        due: Argument = "" if after is None else "inf" if after == float("inf") else after
        return self._run("chunks/put", (self._holder, chunk, due, tries), bool)

    def list_rows(self, taken: TakeResult) -> list[RecipientRow]:
        """The recipients of a chunk."""
        return decode_rows(taken.rows) if taken.rows else self.order.build_rows(taken.chunk)

    def filter_open(self, rows: Sequence[RecipientRow]) -> list[RecipientRow]:
        """The rows without a final outcome, in their order, each address once; one round trip."""
        people = {row.address: row for row in rows if not row.problem}
        if not people:
            return []
        keys = [fold_address(address) for address in people]
        states = self.store.run(commands.read_states(self.order.job_id, keys))
        return [
            row
            for row, state in zip(people.values(), states, strict=True)
            if is_open(state, can_resend=self._can_resend)
        ]

    def claim(self, recipient: str) -> bool:
        """Claim a recipient that is new, put off, or claimed by another attempt.

        False: do not mail this recipient.
        """
        resend = "1" if self._can_resend else ""
        arguments = (fold_address(recipient), self._attempt, self._keep_seconds, resend)
        return self._run("ledger/claim", arguments, lambda answer: decode_text(answer) == "go")

    def about_to_send(self, recipient: str) -> bool:
        """Record that the final dot is sent now. False: another attempt took over, do not send."""
        return self._change_state(recipient, f"dot:{self._attempt}")

    def settle(self, recipient: str, outcome: RecipientOutcome, reason: str = "") -> None:
        """Record the outcome for a recipient that this attempt holds; other states stay.

        With a ``reason``, such as ``bounced``, the address goes on the suppression list.
        """
        self._change_state(recipient, outcome.value, reason)

    def count_connection(self) -> None:
        """Record that an SMTP connection was opened."""
        self._run("ledger/connect", (self._keep_seconds,), int)

    def read_tally(self) -> MailingTally:
        """The numbers of the ledger, over all attempts so far."""
        return self.store.run(commands.read_tally(self.order.job_id))

    def expire(self) -> None:
        """Keep the state of a finished mailing one day longer than its record."""
        seconds = get_settings().retention_success + DAY_SECONDS
        self._run("chunks/keep", (seconds,), bool)

    def _change_state(self, recipient: str, state: str, reason: str = "") -> bool:
        arguments = (fold_address(recipient), self._attempt, state, reason)
        return self._run("ledger/move", arguments, bool)

    def _run[T](self, script: str, arguments: Sequence[Argument], parse: Callable[[Any], T]) -> T:
        command = Command(f"emails/{script}", (self.order.job_id, *arguments), parse)
        return self.store.run(command)


def parse_take_result(answer: list[Any]) -> TakeResult:
    """The answer of the script ``chunks/take``."""
    how: Any = decode_text(answer[0])
    if how == "wait":
        return TakeResult(how, wait=float(answer[1]))
    if how != "chunk":
        return TakeResult(how)
    _, chunk, tries, rows, free = answer
    rows = rows.encode() if isinstance(rows, str) else rows
    return TakeResult(how, decode_text(chunk), int(tries), rows, int(free))
