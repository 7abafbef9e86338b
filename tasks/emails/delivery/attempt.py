"""An e-mail blast: the same template to many recipients, to each of them at most once."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

from project.errors import PermanentError, TransientError
from project.settings.values import settings
from tasks.emails import addresses
from tasks.emails.delivery import smtp
from tasks.emails.delivery.chunks import Order, Plain, Row, row_of
from tasks.emails.delivery.ledger import Ledger, Outcome
from tasks.emails.delivery.rate_limit import Pace
from tasks.emails.delivery.server import parse
from tasks.emails.mail import templates, unsubscribe
from tasks.emails.mail.mime import compose, seal
from tasks.emails.mail.templates import Letter

log = logging.getLogger(__name__)

MAX_DROPS = 3
"""Connections lost in a row before an attempt gives up."""

OVERLOADED = frozenset({421, 452, 454})
"""Answers that say less about the recipient than about how fast we are."""


@dataclass(frozen=True)
class Delivery:
    """How many recipients a finished blast has per outcome, over all its attempts.

    ``sent``: the server took the mail. ``bounced``: it refused the recipient.
    ``rejected``: it refused the mail. ``suppressed``: on the suppression list.
    ``invalid``: no address. ``unknown``: the answer was lost, the mail may have
    arrived; it is not sent again.
    """

    sent: int = 0
    bounced: int = 0
    rejected: int = 0
    suppressed: int = 0
    invalid: int = 0
    unknown: int = 0


class Passed(NamedTuple):
    """How far a list was gone through: who is left for later, and whether it was stopped."""

    left: int
    stopped: bool = False


def check(recipients: Sequence[object], template: str) -> list[Plain]:
    """The recipients as they will be mailed: valid, in order, each once. May be empty.

    Each is an address, or a pair of one and the data of this recipient.

    Raises ``InvalidField`` for an unknown template (``template``) and for the
    first recipient that is no e-mail address (``recipients[3]``).
    """
    templates.check(template)
    return addresses.normalise(recipients)


def deliver(job_id: str, recipients: Sequence[Plain], template: str, ledger: Ledger) -> Delivery:
    """Mail everybody the ledger lets this attempt mail, one after the other.

    ``recipients`` come from ``check``. Raises ``TransientError`` when the
    server is unavailable or put recipients off: call again, with a new ledger
    object, and only those are mailed. Raises ``PermanentError`` for a template
    that does not render and ``InvalidField`` for settings that are no good.
    """
    with Attempt(Order(job_id, template=template), ledger) as attempt:
        attempt.go_through([row_of(recipient) for recipient in recipients])
    return _delivery(ledger.tally(), attempt.put_off_by)


class Attempt:
    """Mails one recipient after the other over one connection and settles each in the ledger.

    Without a ``pace`` as fast as the server takes them. ``go_on`` is asked before each.
    """

    def __init__(
        self,
        order: Order,
        ledger: Ledger,
        pace: Pace | None = None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        server = parse(settings().mail_url)
        sender = addresses.sender(settings().mail_from)
        self._order = order
        self._ledger = ledger
        self._connection = smtp.Connection(server, sender, ledger.connected)
        self._pace = pace
        self._go_on = go_on
        self._drops = 0
        self.put_off_by = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.__exit__(*raised)

    def go_through(self, rows: Sequence[Row]) -> Passed:
        """Mail all of them that are still to be mailed, each once. Raises as ``deliver`` does."""
        people = {row.address: row for row in rows if not row.problem}
        waiting = deque(people[address] for address in self._ledger.open_among(list(people)))
        while waiting:
            if not self._go_on():
                return Passed(len(waiting), stopped=True)
            row = self._pace.pick(waiting) if self._pace else waiting.popleft()
            if row and self._ledger.claim(row.address):
                self._mail(row)
        return Passed(len(self._ledger.open_among(list(people))))

    def _mail(self, row: Row) -> None:
        recipient = row.address
        message = self._compose(row)
        if message is None:
            self._ledger.settle(recipient, Outcome.INVALID)
            return
        try:
            is_written = self._write(recipient, message)
        except smtp.ServerUnavailable:
            self._ledger.settle(recipient, Outcome.RETRY)
            raise
        except smtp.Dropped as drop:
            self._dropped(recipient, Outcome.RETRY, drop)
            return
        if is_written:
            self._send(recipient)

    def _compose(self, row: Row) -> bytes | None:
        """The mail; None when the template does not work with the data of this recipient."""
        order = self._order
        if order.letter:
            return tried_out(order, row.address)
        data = {**order.data, **(row.data or {})}
        try:
            return compose(order.job_id, row.address, order.template, data, order.files)
        except PermanentError as problem:
            if not row.data:
                raise
            log.warning("job %s: %s", order.job_id, problem)
            return None

    def _write(self, recipient: str, message: bytes) -> bool:
        """Everything but the final dot; False when the server does not want it."""
        reply = self._connection.address(recipient)
        if not reply.is_ok:
            self._settle(recipient, reply, _refusal(reply, Outcome.BOUNCED))
            return False
        refusal = self._connection.write(message)
        if refusal is not None:
            self._settle(recipient, refusal, _refusal(refusal, Outcome.REJECTED))
        return refusal is None

    def _send(self, recipient: str) -> None:
        if not self._ledger.about_to_send(recipient):
            self._connection.drop()
            return
        try:
            reply = self._connection.dot()
        except smtp.Dropped as drop:
            self._dropped(recipient, self._unknown, drop)
            return
        self._settle(recipient, reply, _verdict(reply, self._unknown))

    @property
    def _unknown(self) -> Outcome:
        """What becomes of a mail that may have arrived."""
        return Outcome.RETRY if self._order.on_unknown == "resend" else Outcome.UNKNOWN

    def _settle(self, recipient: str, reply: smtp.Reply, outcome: Outcome) -> None:
        self._drops = 0
        if outcome is Outcome.RETRY:
            self.put_off_by = str(reply)
        self._ledger.settle(recipient, outcome, _reason(reply, outcome))
        self._adapt(reply)

    def _adapt(self, reply: smtp.Reply) -> None:
        if self._pace and reply.code in OVERLOADED:
            self._pace.slow_down()
        elif self._pace and reply.is_ok:
            self._pace.speed_up()

    def _dropped(self, recipient: str, outcome: Outcome, drop: smtp.Dropped) -> None:
        self._ledger.settle(recipient, outcome)
        self._drops += 1
        self.put_off_by = f"connection lost: {drop}"
        if self._pace:
            self._pace.slow_down()
        if self._drops >= MAX_DROPS:
            raise TransientError(
                f"the mail server dropped {self._drops} connections in a row, last: {drop}"
            ) from drop


def tried_out(order: Order, recipient: str) -> bytes:
    """The mail of a test: a letter that is made already, and a link that unsubscribes nobody."""
    letter = Letter(**(order.letter or {}))
    return seal(order.job_id, recipient, letter, unsubscribe.link(unsubscribe.NOBODY), order.files)


def _refusal(reply: smtp.Reply, refused: Outcome) -> Outcome:
    """Before the dot nothing was sent, whatever the answer is."""
    return refused if reply.is_permanent else Outcome.RETRY


def _verdict(reply: smtp.Reply, unknown: Outcome) -> Outcome:
    """After the dot an answer that makes no sense may mean anything."""
    if reply.is_ok:
        return Outcome.SENT
    if reply.is_permanent:
        return Outcome.REJECTED
    return Outcome.RETRY if reply.is_temporary else unknown


def _reason(reply: smtp.Reply, outcome: Outcome) -> str:
    """Why the address gets no mails any more; "" when the refusal says nothing about it."""
    return "bounced" if outcome is Outcome.BOUNCED and reply.is_about_the_mailbox else ""


def delivery_of(tally: Counter[Outcome]) -> Delivery:
    """A tally as the outcome of a finished blast."""
    return Delivery(**{field.name: tally[Outcome(field.name)] for field in fields(Delivery)})


def _delivery(tally: Counter[Outcome], put_off_by: str) -> Delivery:
    if tally[Outcome.RETRY]:
        reason = put_off_by or "another attempt is at work on them"
        raise TransientError(
            f"{tally[Outcome.RETRY]} of {tally.total()} recipients have to wait ({reason}); "
            f"sent to {tally[Outcome.SENT]}"
        )
    return delivery_of(tally)
