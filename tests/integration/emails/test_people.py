"""What one person got, over all mailings, in a real Valkey."""

import uuid
from contextlib import closing

import redis

from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
from tasks.emails.delivery.people import MailingPage, list_mailings
from tests.support.mailings import ADA, BOB, TRIO, attempt
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


def list_page(
    keys: redis.Redis,
    address: str,
    *,
    limit: int = 50,
    tenant: str = "",
    place: tuple[float, str] | None = None,
) -> MailingPage:
    command = list_mailings(fold_address(address), limit=limit, tenant=tenant, place=place)
    with closing(LedgerStore(keys)) as ledger:
        return ledger.run(command)


def claim(keys: redis.Redis, mailing: str, keep_seconds: int = 0) -> None:
    with closing(LedgerStore(keys)) as ledger:
        Mailing(MailingOrder(mailing), ledger, keep_seconds=keep_seconds).claim(ADA)


def claim_many(keys: redis.Redis, address: str, count: int) -> list[str]:
    """The ids of new mailings that claimed the address, newest first."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with closing(LedgerStore(keys)) as ledger:
        for mailing in ids:
            Mailing(MailingOrder(mailing), ledger).claim(address)
    return ids[::-1]


def test_a_person_finds_the_mailing_with_its_template_time_and_outcome(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    before = keys.time()[0]

    attempt(keys, job, TRIO)

    (found,) = list_page(keys, ADA.upper()).mailings
    assert (found.id, found.template, found.outcome) == (job, "default", "sent")
    assert before <= found.at <= before + 60


def test_mailings_come_newest_first_and_each_once_over_all_pages(keys: redis.Redis) -> None:
    ids = claim_many(keys, ADA, 7)
    claim_many(keys, BOB, 2)

    found, place = [], None
    while True:
        page = list_page(keys, ADA, limit=3, place=place)
        found += [mailing.id for mailing in page.mailings]
        place = page.next_place
        if place is None:
            break

    assert found == ids


def test_mailings_of_one_microsecond_are_each_on_one_page(keys: redis.Redis) -> None:
    ids = claim_many(keys, ADA, 5)
    (key,) = keys.keys("continuo:mails_of:*")
    keys.zadd(key, dict.fromkeys(ids, 1_000_000))

    first = list_page(keys, ADA, limit=3)
    second = list_page(keys, ADA, limit=3, place=first.next_place)

    assert sorted(each.id for each in first.mailings + second.mailings) == sorted(ids)
    assert second.next_place is None


def test_a_second_attempt_does_not_list_a_mailing_twice(keys: redis.Redis, job: str) -> None:
    claim(keys, job)
    first = list_page(keys, ADA)

    claim(keys, job)

    assert list_page(keys, ADA) == first


def test_a_tenant_sees_only_the_mailings_of_its_own_jobs(keys: redis.Redis) -> None:
    own, foreign, unknown = claim_many(keys, ADA, 3)
    keys.hset(f"continuo:job:{own}", "tenant", "acme")
    keys.hset(f"continuo:job:{foreign}", "tenant", "other")

    seen = list_page(keys, ADA, tenant="acme", limit=1)

    assert [each.id for each in seen.mailings] == [own]
    assert seen.next_place is None
    assert {each.id for each in list_page(keys, ADA).mailings} == {own, foreign, unknown}


def test_what_is_kept_of_a_person_expires_with_the_ledgers(keys: redis.Redis, job: str) -> None:
    claim(keys, job, keep_seconds=1_000)

    (key,) = keys.keys("continuo:mails_of:*")
    assert ADA not in key.decode()
    assert 990 < keys.ttl(key) <= 1_000

    keys.delete(f"continuo:mail:{job}")
    assert list_page(keys, ADA) == ([], None)


def test_a_person_has_a_bounded_number_of_mailings(keys: redis.Redis) -> None:
    ids = claim_many(keys, ADA, 1_003)

    (key,) = keys.keys("continuo:mails_of:*")

    assert keys.zcard(key) == 1_000
    assert [each.id for each in list_page(keys, ADA, limit=2).mailings] == ids[:2]
