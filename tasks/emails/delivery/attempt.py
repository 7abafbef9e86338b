"""An e-mail blast: the same template to many recipients, to each of them at most once."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

from project.errors import PermanentError, TransientError
from project.settings.values import get_settings
from tasks.emails import addresses
from tasks.emails.delivery import smtp
from tasks.emails.delivery.ledger import MailingLedger, RecipientOutcome
from tasks.emails.delivery.order import (
    MailingOrder,
    RawRecipient,
    RecipientRow,
    row_from_recipient,
)
from tasks.emails.delivery.rate_limit import MailRateLimiter
from tasks.emails.delivery.server import parse_mail_url
from tasks.emails.mail import templates, unsubscribe
from tasks.emails.mail.mime import build_signed_mail, compose
from tasks.emails.mail.templates import RenderedMail

log = logging.getLogger(__name__)

MAX_DROPS = 3
"""Connections lost in a row before an attempt gives up."""

OVERLOAD_CODES = frozenset({421, 452, 454})
"""Answers that say less about the recipient than about how fast we are."""


@dataclass(frozen=True)
class DeliveryCounts:
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


class PassResult(NamedTuple):
    """How far a list was gone through: who is left for later, and whether it was stopped."""

    left: int
    stopped: bool = False


def check_mailing(recipients: Sequence[object], template: str) -> list[RawRecipient]:
    """The recipients as they will be mailed: valid, in order, each once. May be empty.

    Each is an address, or a pair of one and the data of this recipient.

    Raises ``InvalidField`` for an unknown template (``template``) and for the
    first recipient that is no e-mail address (``recipients[3]``).
    """
    templates.check_template(template)
    return addresses.normalise_recipients(recipients)


def deliver(
    job_id: str, recipients: Sequence[RawRecipient], template: str, ledger: MailingLedger
) -> DeliveryCounts:
    """Mail everybody the ledger lets this attempt mail, one after the other.

    ``recipients`` come from ``check_mailing``. Raises ``TransientError`` when the
    server is unavailable or put recipients off: call again, with a new ledger
    object, and only those are mailed. Raises ``PermanentError`` for a template
    that does not render and ``InvalidField`` for settings that are no good.
    """
    with DeliveryAttempt(MailingOrder(job_id, template=template), ledger) as attempt:
        attempt.mail_all([row_from_recipient(recipient) for recipient in recipients])
    return _require_no_retries(ledger.read_tally(), attempt.deferral_reason)


class DeliveryAttempt:
    """Mails one recipient after the other over one connection and settles each in the ledger.

    Without a ``pace`` as fast as the server takes them. ``go_on`` is asked before each.
    """

    def __init__(
        self,
        order: MailingOrder,
        ledger: MailingLedger,
        pace: MailRateLimiter | None = None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        server = parse_mail_url(get_settings().mail_url)
        sender = addresses.parse_sender(get_settings().mail_from)
        self._order = order
        self._ledger = ledger
        self._connection = smtp.SmtpConnection(server, sender, ledger.count_connection)
        self._rate_limiter = pace
        self._go_on = go_on
        self._drops = 0
        self.deferral_reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.__exit__(*raised)

    def mail_all(self, rows: Sequence[RecipientRow]) -> PassResult:
        """Mail all of them that are still to be mailed, each once. Raises as ``deliver`` does."""
        people = {row.address: row for row in rows if not row.problem}
        waiting = deque(people[address] for address in self._ledger.filter_open(list(people)))
        while waiting:
            if not self._go_on():
                return PassResult(len(waiting), stopped=True)
            row = self._rate_limiter.pick(waiting) if self._rate_limiter else waiting.popleft()
            if row and self._ledger.claim(row.address):
                self._mail(row)
        return PassResult(len(self._ledger.filter_open(list(people))))

    def _mail(self, row: RecipientRow) -> None:
        recipient = row.address
        message = self._compose(row)
        if message is None:
            self._ledger.settle(recipient, RecipientOutcome.INVALID)
            return
        try:
            is_written = self._write(recipient, message)
        except smtp.ServerUnavailable:
            self._ledger.settle(recipient, RecipientOutcome.RETRY)
            raise
        except smtp.ConnectionDropped as drop:
            self._record_drop(recipient, RecipientOutcome.RETRY, drop)
            return
        if is_written:
            self._send(recipient)

    def _compose(self, row: RecipientRow) -> bytes | None:
        """The mail; None when the template does not work with the data of this recipient."""
        order = self._order
        if order.letter:
            return compose_test_mail(order, row.address)
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
            self._settle(recipient, reply, _outcome_of_refusal(reply, RecipientOutcome.BOUNCED))
            return False
        refusal = self._connection.write(message)
        if refusal is not None:
            self._settle(
                recipient, refusal, _outcome_of_refusal(refusal, RecipientOutcome.REJECTED)
            )
        return refusal is None

    def _send(self, recipient: str) -> None:
        if not self._ledger.about_to_send(recipient):
            self._connection.drop()
            return
        try:
            reply = self._connection.dot()
        except smtp.ConnectionDropped as drop:
            self._record_drop(recipient, self._unknown, drop)
            return
        self._settle(recipient, reply, _outcome_of_final_reply(reply, self._unknown))

    @property
    def _unknown(self) -> RecipientOutcome:
        """What becomes of a mail that may have arrived."""
        return (
            RecipientOutcome.RETRY
            if self._order.on_unknown == "resend"
            else RecipientOutcome.UNKNOWN
        )

    def _settle(self, recipient: str, reply: smtp.SmtpReply, outcome: RecipientOutcome) -> None:
        self._drops = 0
        if outcome is RecipientOutcome.RETRY:
            self.deferral_reason = str(reply)
        self._ledger.settle(recipient, outcome, _suppression_reason_of(reply, outcome))
        self._adapt(reply)

    def _adapt(self, reply: smtp.SmtpReply) -> None:
        if self._rate_limiter and reply.code in OVERLOAD_CODES:
            self._rate_limiter.slow_down()
        elif self._rate_limiter and reply.is_ok:
            self._rate_limiter.speed_up()

    def _record_drop(
        self, recipient: str, outcome: RecipientOutcome, drop: smtp.ConnectionDropped
    ) -> None:
        self._ledger.settle(recipient, outcome)
        self._drops += 1
        self.deferral_reason = f"connection lost: {drop}"
        if self._rate_limiter:
            self._rate_limiter.slow_down()
        if self._drops >= MAX_DROPS:
            raise TransientError(
                f"the mail server dropped {self._drops} connections in a row, last: {drop}"
            ) from drop


def compose_test_mail(order: MailingOrder, recipient: str) -> bytes:
    """The mail of a test: a letter that is made already, and a link that unsubscribes nobody."""
    letter = RenderedMail(**(order.letter or {}))
    return build_signed_mail(
        order.job_id,
        recipient,
        letter,
        unsubscribe.build_link(unsubscribe.PREVIEW_RECIPIENT),
        order.files,
    )


def _outcome_of_refusal(reply: smtp.SmtpReply, refused: RecipientOutcome) -> RecipientOutcome:
    """Before the dot nothing was sent, whatever the answer is."""
    return refused if reply.is_permanent else RecipientOutcome.RETRY


def _outcome_of_final_reply(reply: smtp.SmtpReply, unknown: RecipientOutcome) -> RecipientOutcome:
    """After the dot an answer that makes no sense may mean anything."""
    if reply.is_ok:
        return RecipientOutcome.SENT
    if reply.is_permanent:
        return RecipientOutcome.REJECTED
    return RecipientOutcome.RETRY if reply.is_temporary else unknown


def _suppression_reason_of(reply: smtp.SmtpReply, outcome: RecipientOutcome) -> str:
    """Why the address gets no mails any more; "" when the refusal says nothing about it."""
    return "bounced" if outcome is RecipientOutcome.BOUNCED and reply.is_about_mailbox else ""


def delivery_counts_of(tally: Counter[RecipientOutcome]) -> DeliveryCounts:
    """A tally as the outcome of a finished blast."""
    return DeliveryCounts(
        **{field.name: tally[RecipientOutcome(field.name)] for field in fields(DeliveryCounts)}
    )


def _require_no_retries(tally: Counter[RecipientOutcome], put_off_by: str) -> DeliveryCounts:
    if tally[RecipientOutcome.RETRY]:
        reason = put_off_by or "another attempt is at work on them"
        raise TransientError(
            f"{tally[RecipientOutcome.RETRY]} of {tally.total()} recipients have to wait "
            f"({reason}); sent to {tally[RecipientOutcome.SENT]}"
        )
    return delivery_counts_of(tally)
