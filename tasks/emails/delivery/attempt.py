"""The work of one slice: chunk by chunk, recipient by recipient, over one SMTP connection."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from project.errors import PermanentError, TransientError
from project.settings.values import get_settings
from tasks.emails.addresses import get_sender
from tasks.emails.delivery.commands import MailingTally
from tasks.emails.delivery.ledger import RecipientOutcome
from tasks.emails.delivery.mailing import Mailing, TakeResult
from tasks.emails.delivery.order import RecipientRow
from tasks.emails.delivery.rate_limit import MailRateLimiter
from tasks.emails.delivery.server import parse_mail_url
from tasks.emails.delivery.smtp import (
    ConnectionDropped,
    MailReply,
    ReplyLost,
    ServerUnavailable,
    SmtpConnection,
    SmtpReply,
)
from tasks.emails.mail.compose import compose

log = logging.getLogger(__name__)

SLICE_SECONDS = 15.0
CHECK_INTERVAL_SECONDS = 0.25
"""How often a slice checks whether the mailing is paused or cancelled."""

MAX_TRIES = 10
MAX_BACKOFF_SECONDS = 600
"""Recipients that are put off are tried again after 2, 4, 8 ... 512 seconds."""

MAX_DROPS = 3
"""An attempt fails after this many lost connections in a row."""

OVERLOAD_CODES = frozenset({421, 452, 454})
"""Replies of a server that gets mails too fast; they say little about the recipient."""


class PassResult(NamedTuple):
    """The recipients of a list that still have to wait, and whether the pass was stopped early."""

    left: int
    stopped: bool = False


class MailingSlice:
    """A slice of one job. ``report`` is called four times a second while it works."""

    def __init__(
        self, mailing: Mailing, report: Callable[[MailingTally], None] | None = None
    ) -> None:
        self._mailing = mailing
        self._attempt = DeliveryAttempt(mailing, self._may_continue)
        self._report = report
        self._ends_at = time.monotonic() + compute_slice_seconds()
        self._check_at = 0.0
        self._last_take = TakeResult("wait")

    def work(self) -> TakeResult:
        """Mail chunks until none can be taken or the time is up; why it ended.

        When the time is up the answer is to wait 0 seconds. Raises as ``DeliveryAttempt.mail_all``.
        """
        with self._attempt:
            while (taken := self._mailing.take_chunk()).how == "chunk":
                self._check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
                self._last_take = taken
                passed = self._attempt.mail_all(self._mailing.list_rows(taken))
                self._return_chunk(taken, passed)
                if self._is_over:
                    return TakeResult("wait") if self._last_take.how == "chunk" else self._last_take
        return taken

    def return_held_chunk(self, seconds: float) -> None:
        """Put the chunk back for other jobs, free after ``seconds``."""
        held = self._last_take
        if held.how == "chunk":
            self._mailing.return_chunk(held.chunk, after=seconds, tries=held.tries)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self._ends_at or self._last_take.how != "chunk"

    def _may_continue(self) -> bool:
        """Whether to mail the next recipient; prolongs the hold of the chunk."""
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
            if self._report:
                self._report(self._mailing.read_tally())
            held, self._last_take = self._last_take, self._mailing.take_chunk()
            if self._last_take.chunk != held.chunk:
                return False
        return not self._is_over

    def _return_chunk(self, taken: TakeResult, passed: PassResult) -> None:
        """Put the chunk back: done, or free after a backoff, or on the next run of the job."""
        tries, after = taken.tries + 1, None
        if passed.stopped:
            tries, after = taken.tries, 0.0
        elif not passed.left:
            tries = 0
        elif tries < MAX_TRIES:
            after = float(min(2**tries, MAX_BACKOFF_SECONDS))
        else:
            after = float("inf")
        self._mailing.return_chunk(taken.chunk, after=after, tries=tries)


class DeliveryAttempt:
    """Mails recipients and settles each in the ledger of the mailing.

    ``may_continue`` is called before each recipient; False stops. Raises ``InvalidField`` for
    settings that cannot be used.
    """

    def __init__(self, mailing: Mailing, may_continue: Callable[[], bool] = lambda: True) -> None:
        server = parse_mail_url(get_settings().mail_url)
        order = mailing.order
        self._mailing = mailing
        self._connection = SmtpConnection(server, get_sender(), mailing.count_connection)
        self._rate_limiter = MailRateLimiter(mailing.store, str(server), order.job_id, order.rate)
        self._may_continue = may_continue
        self._drops = 0
        self._deferral_reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.__exit__(*raised)

    def mail_all(self, rows: Sequence[RecipientRow]) -> PassResult:
        """Mail every recipient of ``rows`` that the ledger has open, each once.

        Raises ``TransientError`` when the mail server or Redis fails: call again, with a new
        ``Mailing``, and only the others are mailed. Raises ``PermanentError`` for a template that
        does not render.
        """
        waiting = deque(self._mailing.filter_open(rows))
        self._deferral_reason = "another attempt mails them"
        while waiting:
            if not self._may_continue():
                return PassResult(len(waiting), stopped=True)
            row = self._rate_limiter.pick(waiting)
            if row and self._mailing.claim(row.address):
                self._mail(row)
        left = len(self._mailing.filter_open(rows))
        if left:
            job_id, reason = self._mailing.order.job_id, self._deferral_reason
            log.info(
                "job %s: %d of %d recipients have to wait (%s)", job_id, left, len(rows), reason
            )
        return PassResult(left)

    def _mail(self, row: RecipientRow) -> None:
        """Mail a claimed recipient."""
        message = self._compose(row)
        if message is None:
            self._mailing.settle(row.address, RecipientOutcome.INVALID)
            return
        try:
            reply = self._connection.send(
                row.address, message, lambda: self._mailing.about_to_send(row.address)
            )
        except ServerUnavailable:
            self._mailing.settle(row.address, RecipientOutcome.RETRY)
            raise
        except ConnectionDropped as drop:
            self._settle_dropped(row.address, drop)
        else:
            if reply is not None:
                self._settle(row.address, reply)

    def _compose(self, row: RecipientRow) -> bytes | None:
        """The mail; None when the template does not render with the data of this recipient."""
        order = self._mailing.order
        data = {**order.data, **(row.data or {})}
        try:
            return compose(
                order.job_id,
                row.address,
                order.template,
                data,
                order.files,
                order.letter,
                order.tenant,
            )
        except PermanentError as problem:
            if not row.data:
                raise
            log.warning("job %s: %s", order.job_id, problem)
            return None

    def _settle(self, recipient: str, answer: MailReply) -> None:
        outcome = self._outcome_of(answer)
        reply = answer.reply
        self._drops = 0
        if outcome is RecipientOutcome.RETRY:
            self._deferral_reason = str(reply)
        self._mailing.settle(recipient, outcome, _suppression_reason_of(reply, outcome))
        if reply.code in OVERLOAD_CODES:
            self._rate_limiter.slow_down()
        elif reply.is_ok:
            self._rate_limiter.speed_up()

    def _settle_dropped(self, recipient: str, drop: ConnectionDropped) -> None:
        is_unknown = isinstance(drop, ReplyLost)
        self._mailing.settle(recipient, self._unknown if is_unknown else RecipientOutcome.RETRY)
        self._drops += 1
        self._deferral_reason = f"connection lost: {drop}"
        self._rate_limiter.slow_down()
        if self._drops >= MAX_DROPS:
            raise TransientError(
                f"the mail server dropped {self._drops} connections in a row, last: {drop}"
            ) from drop

    def _outcome_of(self, answer: MailReply) -> RecipientOutcome:
        """Before the dot nothing was sent; after the dot an odd reply may mean anything."""
        reply = answer.reply
        if answer.to == "dot" and reply.is_ok:
            return RecipientOutcome.SENT
        if reply.is_permanent:
            is_bounce = answer.to == "recipient"
            return RecipientOutcome.BOUNCED if is_bounce else RecipientOutcome.REJECTED
        if answer.to == "dot" and not reply.is_temporary:
            return self._unknown
        return RecipientOutcome.RETRY

    @property
    def _unknown(self) -> RecipientOutcome:
        """The outcome of a mail that may have arrived."""
        can_resend = self._mailing.order.on_unknown == "resend"
        return RecipientOutcome.RETRY if can_resend else RecipientOutcome.UNKNOWN


def compute_slice_seconds() -> float:
    """The length of a slice: a worker that stops waits for its end, for DRAIN_SECONDS at most."""
    return max(min(SLICE_SECONDS, get_settings().drain_seconds * 0.75), 1.0)


def _suppression_reason_of(reply: SmtpReply, outcome: RecipientOutcome) -> str:
    """Why the address gets no more mail; "" when the refusal does not say so."""
    return "bounced" if outcome is RecipientOutcome.BOUNCED and reply.is_about_mailbox else ""
