"""Erases one person: from the ledgers, the recipients and the orders of all mailings.

An alias takes the person's place, so that the numbers of each mailing stay right. What remains is
the hash of the address on the suppression list: the person gets no more mail, also of a mailing
that runs. A second call changes nothing more, so an erasure that was interrupted is repeated.
"""

import json
import time
from itertools import batched
from typing import Any, NamedTuple

from project.store.client import Store
from project.store.commands import queries
from project.store.commands.queries import RecordFilter
from tasks.emails.delivery import commands, people
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.ledger_store import compute_retention_seconds
from tasks.emails.delivery.order import RawRecipient, row_from_recipient

KIND = "email_blast"
MAX_SECONDS = 20.0
"""An erasure that takes longer stops, and is to be continued."""

BLASTS_PER_PAGE = 200
BLASTS_PER_SEARCH = 20
CHUNKS_PER_SEARCH = 50
"""How much a script searches: some milliseconds in which Redis does nothing else."""

MAX_REPLACEMENTS = 5
"""Tries to replace a text that others change at the same time."""

ERASED = "erased"

type Place = tuple[float, str]


class ErasureResult(NamedTuple):
    """The number of mailings that had the person, and where to continue; None at the end."""

    mailings: int
    next_place: Place | None


def erase_person(
    store: Store, key: str, place: Place | None = None, seconds: float = MAX_SECONDS
) -> ErasureResult:
    """Erase the recipient from all mailings, beginning at a place, for about some seconds.

    ``key`` is an address as ``fold_address`` gives it. Raises ``StoreUnavailable``.
    """
    ends_at = time.monotonic() + seconds
    erased = sum(erase_from_mailing(store, one, key) for one in store.run(people.forget(key)))
    while True:
        command = queries.list_page(RecordFilter(kinds=[KIND]), limit=BLASTS_PER_PAGE, cursor=place)
        page = store.run(command)
        for ids in batched((record.id for record in page.records), BLASTS_PER_SEARCH):
            found = store.run(people.find_mailings(key, ids))
            erased += sum(erase_from_mailing(store, mailing, key) for mailing in found)
        place = page.next_cursor
        if place is None:
            store.run(people.forget_history(key))
            return ErasureResult(erased, None)
        if time.monotonic() > ends_at:
            return ErasureResult(erased, place)


def erase_from_mailing(store: Store, mailing: str, key: str) -> bool:
    """Erase the recipient from one mailing, the ledger last: it says where the rest is."""
    alias = people.build_alias(mailing, key)
    replace_in_chunks(store, mailing, key, alias)
    is_ordered = replace_in_order(store, mailing, key, alias)
    command = people.erase_state(
        mailing, key, is_ordered=is_ordered, keep_seconds=compute_retention_seconds()
    )
    return store.run(command) or is_ordered


def replace_in_chunks(store: Store, mailing: str, key: str, alias: str) -> None:
    """Put the alias into the uploaded chunks."""
    _, uploads = store.run(commands.read_upload_state(mailing))
    for chunks in batched(map(str, range(1, uploads + 1)), CHUNKS_PER_SEARCH):
        for chunk in store.run(people.find_chunks(mailing, key, chunks)):
            for _ in range(MAX_REPLACEMENTS):
                old = store.run(commands.read_rows(mailing, chunk)).decode()
                new = encode(replace_recipient(json.loads(old), key, alias))
                if old == new or store.run(people.replace_rows(mailing, chunk, old, new)):
                    break


def replace_in_order(store: Store, mailing: str, key: str, alias: str) -> bool:
    """Put the alias into the arguments of the job. False: they do not have the recipient."""
    for _ in range(MAX_REPLACEMENTS):
        old = store.run(queries.read_payload_text(mailing))
        new = build_order_without(old, key, alias)
        if new is None:
            return False
        if store.run(people.replace_order(mailing, old, new)):
            return True
    return False


def build_order_without(text: str, key: str, alias: str) -> str | None:
    """The arguments with the alias in the place of a recipient; None when they do not have it.

    The letter of a test mail, which was rendered for the recipient, becomes empty; so does the data
    of a mail to this recipient alone.
    """
    args, kwargs = json.loads(text) if text else ([], {})
    recipients = kwargs.get("recipients", args[0] if args else [])
    replaced = replace_recipient(recipients, key, alias)
    if replaced == recipients:
        return None
    if "recipients" in kwargs:
        kwargs["recipients"] = replaced
    else:
        args[0] = replaced
    if len(recipients) == 1 and kwargs.get("data"):
        kwargs["data"] = {}
    if kwargs.get("letter"):
        kwargs["letter"] = dict.fromkeys(kwargs["letter"], "")
    return encode([args, kwargs])


def replace_recipient(recipients: list[RawRecipient], key: str, alias: str) -> list[RawRecipient]:
    """The recipients with the alias, and without data, in the place of one."""
    return [
        [alias, None, ERASED] if fold_address(row_from_recipient(one).address) == key else one
        for one in recipients
    ]


def encode(value: Any) -> str:
    """JSON, with every number as it was."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
