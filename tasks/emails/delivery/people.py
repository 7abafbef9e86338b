"""Redis commands about one recipient over all mailings.

Their scripts are in ``lua/people``. ``key`` is an address as ``ledger.fold_address`` gives it.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from project.store.commands.command import Command, encode_json
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


def forget(key: str) -> Command[list[str]]:
    """Suppress a recipient by its hash alone; the mailings that are known to have it."""
    return Command("emails/people/forget", (key,), decode_all)


def forget_history(key: str) -> Command[bool]:
    """Forget which mailings a recipient got."""
    return Command("emails/people/forget_history", (key,), bool)


def find_mailings(key: str, mailings: Sequence[str]) -> Command[list[str]]:
    """Those of the mailings that have the recipient in their ledger or their order."""
    return Command("emails/people/find", (key, encode_json(key), *mailings), decode_all)


def find_chunks(mailing: str, key: str, chunks: Sequence[str]) -> Command[list[str]]:
    """Those of the uploaded chunks that have the recipient."""
    return Command("emails/people/find_rows", (mailing, encode_json(key), *chunks), decode_all)


def replace_rows(mailing: str, chunk: str, old: str, new: str) -> Command[bool]:
    """Replace the rows of an uploaded chunk. False: they are not the ``old`` ones."""
    return Command("emails/people/replace", (mailing, chunk, old, new), bool)


def replace_order(mailing: str, old: str, new: str) -> Command[bool]:
    """Replace the arguments of a mailing. False: they are not the ``old`` ones."""
    return Command("emails/people/replace", (mailing, "", old, new), bool)


def erase_state(mailing: str, key: str, *, is_ordered: bool, keep_seconds: int) -> Command[bool]:
    """Put the alias in the place of a recipient in a ledger. False: it was not there.

    ``is_ordered``: the order has the recipient, who may have no entry in the ledger yet.
    """
    arguments = (mailing, key, "1" if is_ordered else "", keep_seconds)
    return Command("emails/people/erase", arguments, bool)


def build_alias(mailing: str, key: str) -> str:
    """The name of an erased recipient in a mailing, as ``alias_of`` in ``lib/mail.lua``."""
    digest = hashlib.sha1(f"{mailing}{key}".encode(), usedforsecurity=False)
    return f"erased-{digest.hexdigest()[:16]}"


def decode_all(values: list[Any]) -> list[str]:
    """An answer of several texts."""
    return [decode_text(value) for value in values]
