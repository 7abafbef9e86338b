"""Redis commands about one recipient over all mailings.

Their scripts are in ``lua/people``. ``key`` is an address as ``ledger.fold_address`` gives it.
"""

from typing import Any, NamedTuple

from project.store.commands.command import Command
from tasks.emails.delivery.commands import decode_text
from tasks.emails.delivery.ledger import outcome_of

MICROSECONDS_PER_SECOND = 1_000_000


class ReceivedMailing(NamedTuple):
    """A mailing to a recipient: its job, when the mail was first due, and its outcome.

    ``at`` is in seconds since 1970; ``template`` and ``tenant`` are "" when they are not known.
    """

    id: str
    at: float
    outcome: str
    template: str
    tenant: str


class MailingPage(NamedTuple):
    """A page of the mailings of a recipient, newest first, and the place where the next begins.

    A place is a time in microseconds since 1970, and a mailing of that time.
    """

    mailings: list[ReceivedMailing]
    next_place: tuple[float, str] | None


def list_mailings(
    key: str, *, limit: int, tenant: str = "", place: tuple[float, str] | None = None
) -> Command[MailingPage]:
    """The mailings to a recipient, of a tenant or all of them ("")."""
    score, after = (f"{place[0]:.0f}", place[1]) if place else ("", "")

    def parse(answer: list[Any]) -> MailingPage:
        has_more, *entries = answer
        following = entries[-1] if has_more and entries else None
        return MailingPage(
            [parse_mailing(*map(decode_text, entry)) for entry in entries],
            (float(following[1]), decode_text(following[0])) if following else None,
        )

    return Command("emails/people/mailings", (key, tenant, limit, score, after), parse)


def parse_mailing(
    mailing: str, micros: str, state: str, template: str, tenant: str
) -> ReceivedMailing:
    """A mailing from the texts of the script."""
    at = int(micros) / MICROSECONDS_PER_SECOND
    return ReceivedMailing(mailing, at, outcome_of(state), template, tenant)
