"""Mailings of a test: their recipients, their ledger and their slices."""

from collections import Counter
from collections.abc import Sequence

import redis

from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.ledger import (
    DeliveryCounts,
    RecipientOutcome,
    count_deliveries,
    count_outcomes,
)
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


def url_of(server: ScriptedSmtpServer, login: str = "") -> str:
    return f"smtp://{login}127.0.0.1:{server.server_address[1]}"


def build_addresses(count: int) -> list[str]:
    return [f"user{number}@example.org" for number in range(count)]


ADA, BOB, EVE = TRIO = ["ada@example.org", "bob@example.org", "eve@example.org"]


def build_mailing(
    keys: redis.Redis, job: str, recipients: Sequence[str] = (), keep_seconds: int = 0
) -> Mailing:
    return Mailing(MailingOrder(job, recipients), LedgerStore(keys), keep_seconds=keep_seconds)


def run_slice(mailing: Mailing, keys: redis.Redis) -> Counter[RecipientOutcome]:
    """One slice of the job, as a worker runs it; its chunk does not wait for its backoff."""
    mailing.open(retries=0)
    chunks = f"continuo:mail:{mailing.order.job_id}:chunks"
    for chunk, due in keys.zrange(chunks, 0, -1, withscores=True):
        if due:
            keys.zadd(chunks, {chunk: 0})

    MailingSlice(mailing).work()

    return count_outcomes(mailing.read_tally())


def attempt(keys: redis.Redis, job: str, recipients: list[str]) -> Counter[RecipientOutcome]:
    mailing = build_mailing(keys, job, recipients)
    try:
        return run_slice(mailing, keys)
    finally:
        mailing.store.close()


def finish(keys: redis.Redis, job: str, recipients: list[str]) -> DeliveryCounts:
    """An attempt after which every recipient has a final outcome."""
    outcomes = attempt(keys, job, recipients)
    assert not outcomes[RecipientOutcome.RETRY]
    return count_deliveries(build_mailing(keys, job).read_tally())
