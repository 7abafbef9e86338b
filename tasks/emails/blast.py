"""An e-mail blast: the same template to many recipients, to each of them at most once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from project.errors import TransientError
from project.settings import settings
from tasks.emails import addresses, letters, smtp
from tasks.emails.ledger import Ledger, Outcome
from tasks.emails.messages import compose

MAX_DROPS = 3
"""Connections lost in a row before an attempt gives up."""


@dataclass(frozen=True)
class Delivery:
    """How many recipients a finished blast has per outcome, over all its attempts.

    ``sent``: the server took the mail. ``bounced``: it refused the recipient.
    ``rejected``: it refused the mail. ``unknown``: the answer was lost, the
    mail may have arrived; it is not sent again.
    """

    sent: int = 0
    bounced: int = 0
    rejected: int = 0
    unknown: int = 0


def check(recipients: Sequence[object], template: str) -> list[str]:
    """The recipients as they will be mailed: valid, in order, each once. May be empty.

    Raises ``InvalidField`` for an unknown template (``template``) and for the
    first recipient that is no e-mail address (``recipients[3]``).
    """
    letters.check(template)
    return addresses.normalise(recipients)


def deliver(job_id: str, recipients: Sequence[str], template: str, ledger: Ledger) -> Delivery:
    """Mail everybody the ledger lets this attempt mail, one after the other.

    ``recipients`` come from ``check``. Raises ``TransientError`` when the
    server is unavailable or put recipients off: call again, with a new ledger
    object, and only those are mailed. Raises ``PermanentError`` for a template
    that does not render and ``InvalidField`` for settings that are no good.
    """
    server = smtp.parse(settings().mail_url)
    sender = addresses.sender(settings().mail_from)
    with smtp.Connection(server, sender) as connection:
        attempt = _Attempt(job_id, template, ledger, connection)
        for recipient in recipients:
            if ledger.claim(recipient):
                attempt.mail(recipient)
    return _delivery(ledger.tally(), attempt.put_off_by)


class _Attempt:
    """Mails one recipient after the other and settles each in the ledger."""

    def __init__(
        self, job_id: str, template: str, ledger: Ledger, connection: smtp.Connection
    ) -> None:
        self._job_id = job_id
        self._template = template
        self._ledger = ledger
        self._connection = connection
        self._drops = 0
        self.put_off_by = ""

    def mail(self, recipient: str) -> None:
        message = compose(self._job_id, recipient, self._template)
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
            self._dropped(recipient, Outcome.UNKNOWN, drop)
            return
        self._settle(recipient, reply, _verdict(reply))

    def _settle(self, recipient: str, reply: smtp.Reply, outcome: Outcome) -> None:
        self._drops = 0
        if outcome is Outcome.RETRY:
            self.put_off_by = str(reply)
        self._ledger.settle(recipient, outcome)

    def _dropped(self, recipient: str, outcome: Outcome, drop: smtp.Dropped) -> None:
        self._ledger.settle(recipient, outcome)
        self._drops += 1
        self.put_off_by = f"connection lost: {drop}"
        if self._drops >= MAX_DROPS:
            raise TransientError(
                f"the mail server dropped {self._drops} connections in a row, last: {drop}"
            ) from drop


def _refusal(reply: smtp.Reply, refused: Outcome) -> Outcome:
    """Before the dot nothing was sent, whatever the answer is."""
    return refused if reply.is_permanent else Outcome.RETRY


def _verdict(reply: smtp.Reply) -> Outcome:
    """After the dot an answer that makes no sense may mean anything."""
    if reply.is_ok:
        return Outcome.SENT
    if reply.is_permanent:
        return Outcome.REJECTED
    return Outcome.RETRY if reply.is_temporary else Outcome.UNKNOWN


def _delivery(tally: Counter[Outcome], put_off_by: str) -> Delivery:
    if tally[Outcome.RETRY]:
        reason = put_off_by or "another attempt is at work on them"
        raise TransientError(
            f"{tally[Outcome.RETRY]} of {tally.total()} recipients have to wait ({reason}); "
            f"sent to {tally[Outcome.SENT]}"
        )
    return Delivery(
        sent=tally[Outcome.SENT],
        bounced=tally[Outcome.BOUNCED],
        rejected=tally[Outcome.REJECTED],
        unknown=tally[Outcome.UNKNOWN],
    )
