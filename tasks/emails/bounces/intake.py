"""Feeds reports to the suppression list."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from project.settings.values import DAY_SECONDS
from project.store.client import Store
from project.store.commands.command import Command
from tasks.emails.addresses import parse_address
from tasks.emails.bounces.report import BounceKind, BounceReport, IntakeRefused
from tasks.emails.delivery import people
from tasks.emails.delivery.commands import decode_text
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.mail.mime import build_digest
from tasks.emails.settings import get_mail_settings

SOFT_SECONDS = 30 * DAY_SECONDS
"""Soft bounces of this time count together."""

MAX_MAILINGS = 1_000

REASONS = {
    BounceKind.HARD: "bounced",
    BounceKind.SOFT: "bounced",
    BounceKind.COMPLAINT: "complaint",
}


class IntakeResult(NamedTuple):
    """What became of the reports.

    ``suppressed``: the address is on the suppression list now. ``counted``: a soft bounce that does
    not suppress yet. ``known``: nothing new. ``ignored``: no bounce, or no valid address.
    """

    suppressed: int = 0
    counted: int = 0
    known: int = 0
    ignored: int = 0


def record_reports(store: Store, reports: Sequence[BounceReport]) -> IntakeResult:
    """Suppress the addresses, or count their soft bounces; no report at all is ``ignored``."""
    counts = Counter(record_report(store, report) for report in reports)
    return IntakeResult(**counts) if reports else IntakeResult(ignored=1)


def record_report(store: Store, report: BounceReport) -> str:
    """Record one report; the name of its field in ``IntakeResult``."""
    address, problem = parse_address(report.address)
    if problem:
        return "ignored"
    limit = get_mail_settings().soft_bounces
    soft = (report.id, limit, SOFT_SECONDS) if report.kind is BounceKind.SOFT else ("", 0, 0)
    command = Command(
        "emails/bounces/record", (fold_address(address), REASONS[report.kind], *soft), decode_text
    )
    return store.run(command)


def find_recipient(store: Store, candidates: Sequence[str], digest: str) -> str:
    """The one of the addresses to which our mail with this digest in its Message-ID went.

    Nobody knows the digest but who got the mail, so nobody can report a bounce of others. Raises
    ``IntakeRefused`` when no mail of the last weeks is like that.
    """
    for address in dict.fromkeys(candidates):
        key = fold_address(address)
        page = store.run(people.list_mailings(key, limit=MAX_MAILINGS))
        if any(build_digest(mailing.id, address) == digest for mailing in page.mailings):
            return address
    raise IntakeRefused("it is not about a mail that was sent from here and is still known")
