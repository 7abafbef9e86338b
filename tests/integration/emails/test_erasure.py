"""The erasure of one person from all mailings, in a real Valkey."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from project.store.client import Store
from project.store.commands import jobs
from project.store.commands.message import Message
from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import RecipientLine
from tasks.emails.delivery.erasure import build_order_without, erase_person
from tasks.emails.delivery.ledger import RecipientOutcome, count_outcomes, fold_address
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder, RecipientRow, encode_row
from tasks.emails.delivery.people import build_alias, list_mailings
from tests.support.mailings import ADA, BOB, EVE, TRIO, attempt
from tests.support.servers.scripted_smtp import ScriptedSmtpServer

KEEP_SECONDS = 1_000


def order_mailing(store: Store, mailing: str, recipients: list[Any], **options: Any) -> None:
    payload = json.dumps([[], {"recipients": recipients, "template": "default", **options}])
    store.run(jobs.enqueue(Message(mailing, "email_blast", "celery", "m", payload, 3, None)))


def open_mailing(ledger: LedgerStore, mailing: str, recipients: list[Any]) -> Mailing:
    return Mailing(MailingOrder(mailing, recipients), ledger, keep_seconds=KEEP_SECONDS)


def upload(store: Store, mailing: str, *recipients: tuple[str, dict[str, Any]]) -> None:
    lines = [
        RecipientLine(fold_address(address), "", encode_row(address, data))
        for address, data in recipients
    ]
    store.run(
        commands.add_recipients(mailing, lines, keep_seconds=KEEP_SECONDS, max_recipients=100)
    )


def send(mailing: Mailing, address: str) -> None:
    assert mailing.claim(address)
    assert mailing.about_to_send(address)
    mailing.settle(address, RecipientOutcome.SENT)


def iterate_values(client: redis.Redis) -> Iterator[str]:
    """Everything in Redis as text, but for the messages, which are read once."""
    for key in client.scan_iter():
        yield key.decode()
        kind = client.type(key)
        if kind == b"hash":
            yield str(client.hgetall(key)).lower()
        elif kind == b"zset":
            yield str(client.zrange(key, 0, -1)).lower()
        elif kind == b"set":
            yield str(client.smembers(key)).lower()
        elif kind == b"stream":
            yield str(client.xrange(key)).lower()
        elif kind == b"string":
            yield str(client.get(key)).lower()


def is_anywhere(store: Store, address: str) -> bool:
    return any(address in text for text in iterate_values(store.client))


def test_an_erased_person_is_in_no_key_of_redis(store: Store, ledger: LedgerStore) -> None:
    order_mailing(store, "ordered", [BOB, ["Ada@Example.org", {"name": "Ada"}]])
    order_mailing(store, "waiting", [ADA])
    order_mailing(store, "uploaded", [], upload=True)
    upload(store, "uploaded", ("ADA@example.org", {"name": "Ada", "n": 1.50}), (BOB, {"n": []}))
    send(open_mailing(ledger, "ordered", [ADA, BOB]), ADA)
    store.run(commands.suppress([ADA], "complaint"))
    assert is_anywhere(store, ADA)

    done = erase_person(store, ADA)

    assert done == (3, None)
    assert not is_anywhere(store, ADA)
    assert json.loads(store.run(commands.read_rows("uploaded", "1"))) == [
        [build_alias("uploaded", ADA), None, "erased"],
        [BOB, {"n": []}],
    ]


def test_the_numbers_of_a_mailing_stay_right_without_the_person(
    store: Store, ledger: LedgerStore
) -> None:
    order_mailing(store, "job", TRIO)
    mailing = open_mailing(ledger, "job", TRIO)
    send(mailing, ADA)
    send(mailing, BOB)

    erase_person(store, ADA)
    erase_person(store, EVE)

    assert count_outcomes(mailing.read_tally()) == {
        RecipientOutcome.SENT: 2,
        RecipientOutcome.SUPPRESSED: 1,
    }


def test_an_erased_person_gets_no_mail_of_a_mailing_that_runs(
    server: ScriptedSmtpServer, store: Store
) -> None:
    order_mailing(store, "job", TRIO)
    erase_person(store, ADA)

    outcomes = attempt(store.client, "job", TRIO)

    assert outcomes == {RecipientOutcome.SENT: 2, RecipientOutcome.SUPPRESSED: 1}
    assert not is_anywhere(store, ADA)


def test_an_erased_person_gets_no_mail_of_a_later_mailing(
    server: ScriptedSmtpServer, store: Store
) -> None:
    erase_person(store, ADA)

    outcomes = attempt(store.client, "later", TRIO)

    assert outcomes == {RecipientOutcome.SENT: 2, RecipientOutcome.SUPPRESSED: 1}
    assert store.run(list_mailings(ADA, limit=9)).mailings == []


def test_a_mail_that_was_claimed_before_the_erasure_is_not_sent(
    store: Store, ledger: LedgerStore
) -> None:
    order_mailing(store, "job", [ADA])
    mailing = open_mailing(ledger, "job", [ADA])
    assert mailing.claim(ADA)

    erase_person(store, ADA)

    assert not mailing.about_to_send(ADA)
    assert mailing.filter_open([RecipientRow(ADA)]) == []


def test_a_worker_that_holds_the_chunk_does_not_put_the_address_back(
    store: Store, ledger: LedgerStore
) -> None:
    order_mailing(store, "job", [ADA])
    mailing = open_mailing(ledger, "job", [ADA])

    erase_person(store, ADA)

    assert not mailing.claim(ADA)
    assert not is_anywhere(store, ADA)
    assert count_outcomes(mailing.read_tally()) == {RecipientOutcome.SUPPRESSED: 1}


def test_a_mail_that_is_on_its_way_during_the_erasure_keeps_its_outcome(
    store: Store, ledger: LedgerStore
) -> None:
    order_mailing(store, "job", [ADA])
    mailing = open_mailing(ledger, "job", [ADA])
    mailing.claim(ADA)
    mailing.about_to_send(ADA)

    erase_person(store, ADA)
    mailing.settle(ADA, RecipientOutcome.BOUNCED, "bounced")

    assert count_outcomes(mailing.read_tally()) == {RecipientOutcome.BOUNCED: 1}
    assert not is_anywhere(store, ADA)


def test_an_erasure_can_be_repeated_and_finds_nothing_more(store: Store) -> None:
    order_mailing(store, "job", TRIO)
    first = erase_person(store, ADA)
    before = sorted(iterate_values(store.client))

    second = erase_person(store, ADA)

    assert (first.mailings, second.mailings) == (1, 0)
    assert sorted(iterate_values(store.client)) == before


def test_an_interrupted_erasure_is_completed_by_the_next(store: Store) -> None:
    for number in range(201):
        order_mailing(store, f"job{number}", [ADA])

    first = erase_person(store, ADA, seconds=0)
    assert is_anywhere(store, ADA)
    second = erase_person(store, ADA, first.next_place, seconds=0)

    assert (first.mailings, second) == (200, (1, None))
    assert not is_anywhere(store, ADA)


def test_a_ledger_without_a_record_is_found_by_the_history_of_the_person(
    store: Store, ledger: LedgerStore
) -> None:
    mailing = open_mailing(ledger, "forgotten", [ADA])
    send(mailing, ADA)

    done = erase_person(store, ADA)

    assert done.mailings == 1
    assert not is_anywhere(store, ADA)
    assert not store.client.keys("continuo:mails_of:*")


def test_the_suppression_of_an_erased_person_is_kept_as_a_hash_until_it_is_lifted(
    store: Store,
    ledger: LedgerStore,
) -> None:
    store.run(commands.suppress([ADA], "unsubscribed"))
    erase_person(store, ADA)

    entry = store.run(commands.read_suppression(ADA))
    assert entry
    assert entry.reason == "erased"
    assert store.run(commands.suppress([ADA], "bounced")) == 0
    assert not is_anywhere(store, ADA)

    assert store.run(commands.allow(ADA))
    assert store.run(commands.read_suppression(ADA)) is None
    assert open_mailing(ledger, "later", [ADA]).claim(ADA)


def test_an_erasure_works_when_redis_is_full(store: Store) -> None:
    order_mailing(store, "job", [ADA])
    store.client.config_set("maxmemory", "1")
    try:
        done = erase_person(store, ADA)
    finally:
        store.client.config_set("maxmemory", "0")

    assert done.mailings == 1
    assert not is_anywhere(store, ADA)


def test_the_ledger_of_a_mailing_that_never_ran_expires(store: Store) -> None:
    order_mailing(store, "job", [ADA])

    erase_person(store, ADA)

    keys = store.client.keys("continuo:mail:job*")
    assert len(keys) == 2
    assert all(store.client.ttl(key) > 0 for key in keys)


def test_a_blast_that_only_mentions_the_person_is_left_as_it_is(store: Store) -> None:
    order_mailing(store, "job", [BOB], data={"contact": ADA})

    assert erase_person(store, ADA).mailings == 0
    assert not store.client.exists("continuo:mail:job")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", None),
        ('[[],{"recipients":["bob@example.org"]}]', None),
        ('[[["ADA@example.org"],"default"],{}]', '[[[["x",null,"erased"]],"default"],{}]'),
        (
            '[[],{"recipients":["ada@example.org"],"letter":{"subject":"Dear Ada","html":"Ada"}}]',
            '[[],{"recipients":[["x",null,"erased"]],"letter":{"subject":"","html":""}}]',
        ),
        (
            '[[],{"recipients":["ada@example.org"],"data":{"text":"Dear Ada"}}]',
            '[[],{"recipients":[["x",null,"erased"]],"data":{}}]',
        ),
        (
            '[[],{"recipients":["ada@example.org",["b@x.de",{"n":12345678901234567890.0}]]}]',
            '[[],{"recipients":[["x",null,"erased"],["b@x.de",{"n":1.2345678901234567e+19}]]}]',
        ),
    ],
)
def test_an_order_has_an_alias_in_the_place_of_the_person(order: str, expected: str | None) -> None:
    assert build_order_without(order, ADA, "x") == expected
