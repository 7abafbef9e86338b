"""The moves of a blast's roll against a real Valkey: chunks are held, given back, and end."""

from typing import Any

import pytest

from project.errors import StoreUnavailable
from project.store.client import Store
from project.store.commands import attempts, jobs, maintenance
from project.store.commands.message import Message
from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import RecipientLine, TakeResult
from tasks.emails.delivery.ledger import RedisMailingLedger

KEPT = 1_000
B = "blast"


def order(store: Store, due: float | None = None) -> None:
    store.run(jobs.enqueue(Message(B, "email_blast", "celery", "m", "[[], {}]", 3, due)))


def opened(store: Store, *chunks: str, retries: int = 0) -> bool:
    return store.run(commands.open_slice(B, kept=KEPT, retries=retries, chunks=chunks))


def take(store: Store, holder: str = B, seconds: float = 30) -> TakeResult:
    return store.run(commands.take_chunk(B, holder=holder, seconds=seconds))


def put(store: Store, chunk: str, after: float | None, holder: str = B, tries: int = 0) -> bool:
    return store.run(commands.return_chunk(B, chunk, holder=holder, after=after, tries=tries))


def add(store: Store, *people: str, most: int = 100) -> Any:
    lines = [RecipientLine(who, "", commands.encode_row(who)) for who in people]
    return store.run(commands.add_recipients(B, lines, kept=KEPT, most=most))


def test_each_job_gets_its_own_chunk_and_the_same_one_when_it_asks_again(store: Store) -> None:
    opened(store, "p0", "p1000")

    first, second = take(store), take(store, "helper")

    assert {first.chunk, second.chunk} == {"p0", "p1000"}
    assert (first.free, second.free) == (1, 0)
    assert take(store).chunk == first.chunk
    assert take(store, "third").how == "wait"


def test_a_chunk_of_a_silent_job_is_taken_by_another(store: Store) -> None:
    opened(store, "p0")
    assert take(store, "dead", seconds=0).chunk == "p0"
    assert take(store, "successor").chunk == "p0"


def test_only_the_job_that_has_a_chunk_can_return_it(store: Store) -> None:
    opened(store, "p0")

    take(store)

    assert not put(store, "p0", None, holder="other")
    assert put(store, "p0", None)
    assert not put(store, "p0", None)
    assert take(store).how == "done"


def test_a_returned_chunk_is_handed_out_again_with_its_attempts(store: Store) -> None:
    opened(store, "p0")
    take(store)
    put(store, "p0", 0, tries=4)
    assert take(store).tries == 4

    put(store, "p0", 60, tries=5)
    waits = take(store)
    assert waits.how == "wait"
    assert waits.wait == pytest.approx(60, abs=2)


def test_recipients_postponed_too_often_are_left_until_the_job_is_retried(store: Store) -> None:
    opened(store, "p0")
    take(store)
    put(store, "p0", float("inf"), tries=10)
    opened(store, "p0")
    assert take(store).how == "left"

    opened(store, "p0", retries=1)
    assert (take(store).how, take(store).tries) == ("chunk", 0)


def test_opening_a_list_again_does_not_restore_finished_chunks(store: Store) -> None:
    opened(store, "p0")
    take(store)
    put(store, "p0", None)

    opened(store, "p0", retries=1)

    assert take(store).how == "done"


def test_a_paused_or_finished_blast_hands_out_no_chunk(store: Store) -> None:
    order(store)
    opened(store, "p0")
    store.run(commands.set_paused(B, paused=True, kept=KEPT))
    assert not opened(store, "p0")
    assert take(store).how == "paused"

    store.run(commands.set_paused(B, paused=False, kept=KEPT))
    assert take(store).how == "chunk"

    store.run(attempts.cancel(B))
    assert take(store).how == "over"
    assert not store.run(commands.set_paused(B, paused=True, kept=KEPT))


def test_the_last_helper_wakes_the_waiting_job(store: Store) -> None:
    order(store)
    opened(store, "p0", "p1000")
    for holder in ("one", "two"):
        take(store, holder)
    store.run(attempts.start(B, retries=0, token="t"))
    later = Message(B, "email_blast", "celery", "m", "[[], {}]", 3)
    store.run(attempts.postpone(B, token="t", delay=600, message=later))
    put(store, "p0", None, holder="one")
    assert (store.run(maintenance.promote(10)).next_in or 0) > 500

    put(store, "p1000", None, holder="two")
    assert store.run(maintenance.promote(10)).promoted == 1


def test_a_repeated_part_is_added_once_and_gets_the_same_answer(store: Store) -> None:
    order(store, due=9e9)

    move = commands.add_recipients(
        B, [RecipientLine("a@x.org", "", '"a@x.org"')], kept=KEPT, most=10
    )

    assert store.run(move) == store.run(move)
    assert store.run(commands.read_upload_state(B)) == (False, 1)
    assert add(store, "a@x.org", "b@x.org")[1:] == (1, 0, 1, 2)


def test_a_blast_accepts_recipients_up_to_its_limit_and_none_after_its_start(store: Store) -> None:
    assert add(store, "a@x.org").how == "unknown"

    order(store, due=9e9)
    assert add(store, "a@x.org", "b@x.org", most=1).how == "full"
    assert add(store, "a@x.org").how == "added"
    assert store.run(commands.start_mailing(B, kept=KEPT)) == "started"
    assert store.run(commands.start_mailing(B, kept=KEPT)) == "again"
    assert add(store, "b@x.org").how == "closed"
    assert store.run(maintenance.promote(10)).promoted == 1


def test_a_full_redis_refuses_recipients_and_accepts_a_returned_chunk(store: Store) -> None:
    order(store, due=9e9)
    add(store, "a@x.org")
    opened(store)
    taken = take(store)
    ledger = RedisMailingLedger(store.client, B)
    assert ledger.claim("a@x.org")

    store.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreUnavailable):
            add(store, "b@x.org")
        assert ledger.about_to_send("a@x.org")
        assert put(store, taken.chunk, None)
    finally:
        store.client.config_set("maxmemory", "0")

    assert take(store).how == "done"


def test_every_key_of_a_blast_expires(store: Store) -> None:
    order(store, due=9e9)
    add(store, "a@x.org")
    store.run(commands.start_mailing(B, kept=KEPT))
    opened(store)
    RedisMailingLedger(store.client, B, KEPT).claim("a@x.org")

    RedisMailingLedger(store.client, B, KEPT).read_tally()
    kept = {key: store.client.ttl(key) for key in store.client.scan_iter("continuo:mail:*")}

    assert len(kept) == 4
    assert all(0 < seconds <= KEPT for seconds in kept.values())


def test_mails_are_sent_no_faster_than_each_of_their_limits(store: Store) -> None:
    limits = [("server:x", 1e6), ("blast:b", 0.5)]
    assert store.run(commands.acquire_rate_permit(limits)) == (0, 0)

    wait, place = store.run(commands.acquire_rate_permit(limits))
    assert wait == pytest.approx(2, abs=0.1)
    assert place == 1
    assert store.run(commands.acquire_rate_permit(limits[:1])) == (0, 0), (
        "what had to wait was not counted"
    )


def test_a_suppressed_address_is_not_claimed(store: Store) -> None:
    store.client.hset("continuo:suppressed", "ada@x.org", "complaint 1.0")

    ledger = RedisMailingLedger(store.client, B)

    assert not ledger.claim("Ada@x.org")
    assert ledger.read_tally() == {"suppressed": 1}
    assert not ledger.claim("ada@x.org")
