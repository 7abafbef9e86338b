"""Chunks of a mailing on a real Valkey: they are held, given back, and end."""

from typing import Any

import pytest

from project.errors import StoreUnavailable
from project.store.client import Store
from project.store.commands import attempts, jobs, maintenance
from project.store.commands.message import Message
from tasks.emails.delivery import commands
from tasks.emails.delivery import mailing as tasks_mailing
from tasks.emails.delivery.commands import RecipientLine
from tasks.emails.delivery.ledger import count_outcomes
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing, TakeResult
from tasks.emails.delivery.order import RECIPIENTS_PER_CHUNK, MailingOrder, encode_row
from tasks.emails.delivery.rate_limit import RateLimit, acquire_permit

KEEP_SECONDS = 1_000
ID = "blast"


def order(store: Store, due: float | None = None) -> None:
    store.run(jobs.enqueue(Message(ID, "email_blast", "celery", "m", "[[], {}]", 3, due)))


def mailing(store: Store, holder: str = ID, *, chunks: int = 0) -> Mailing:
    """A mailing of so many chunks, as the job ``holder`` works on it."""
    people = [f"user{number}@x.org" for number in range(chunks * RECIPIENTS_PER_CHUNK)]
    return Mailing(MailingOrder(ID, people), LedgerStore(store.client), holder, KEEP_SECONDS)


def open_chunks(store: Store, count: int, retries: int = 0) -> bool:
    return mailing(store, chunks=count).open(retries)


def take(store: Store, holder: str = ID) -> TakeResult:
    return mailing(store, holder).take_chunk()


def put(store: Store, chunk: str, after: float | None, holder: str = ID, tries: int = 0) -> bool:
    return mailing(store, holder).return_chunk(chunk, after=after, tries=tries)


def add(store: Store, *people: str, max_recipients: int = 100) -> Any:
    lines = [RecipientLine(who, "", encode_row(who)) for who in people]
    return store.run(
        commands.add_recipients(ID, lines, keep_seconds=KEEP_SECONDS, max_recipients=max_recipients)
    )


def test_each_job_gets_its_own_chunk_and_the_same_one_when_it_asks_again(store: Store) -> None:
    open_chunks(store, 2)

    first, second = take(store), take(store, "helper")

    assert {first.chunk, second.chunk} == {"p0", "p1000"}
    assert (first.free, second.free) == (1, 0)
    assert take(store).chunk == first.chunk
    assert take(store, "third").how == "wait"


def test_a_chunk_of_a_silent_job_is_taken_by_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_chunks(store, 1)
    monkeypatch.setattr(tasks_mailing, "HOLD_SECONDS", 0)
    assert take(store, "dead").chunk == "p0"
    assert take(store, "successor").chunk == "p0"


def test_only_the_job_that_has_a_chunk_can_return_it(store: Store) -> None:
    open_chunks(store, 1)

    take(store)

    assert not put(store, "p0", None, holder="other")
    assert put(store, "p0", None)
    assert not put(store, "p0", None)
    assert take(store).how == "done"


def test_a_returned_chunk_is_handed_out_again_with_its_attempts(store: Store) -> None:
    open_chunks(store, 1)

    take(store)
    put(store, "p0", 0, tries=4)
    assert take(store).tries == 4

    put(store, "p0", 60, tries=5)
    waits = take(store)
    assert waits.how == "wait"
    assert waits.wait == pytest.approx(60, abs=2)


def test_recipients_postponed_too_often_are_left_until_the_job_is_retried(store: Store) -> None:
    open_chunks(store, 1)

    take(store)
    put(store, "p0", float("inf"), tries=10)
    open_chunks(store, 1)
    assert take(store).how == "left"

    open_chunks(store, 1, retries=1)
    assert (take(store).how, take(store).tries) == ("chunk", 0)


def test_opening_a_list_again_does_not_restore_finished_chunks(store: Store) -> None:
    open_chunks(store, 1)

    take(store)
    put(store, "p0", None)

    open_chunks(store, 1, retries=1)

    assert take(store).how == "done"


def test_a_paused_or_finished_blast_hands_out_no_chunk(store: Store) -> None:
    order(store)
    open_chunks(store, 1)
    store.run(commands.set_paused(ID, paused=True, keep_seconds=KEEP_SECONDS))
    assert not open_chunks(store, 1)
    assert take(store).how == "paused"
    store.run(commands.set_paused(ID, paused=False, keep_seconds=KEEP_SECONDS))
    assert take(store).how == "chunk"
    store.run(attempts.cancel(ID))
    assert take(store).how == "over"
    assert not store.run(commands.set_paused(ID, paused=True, keep_seconds=KEEP_SECONDS))


def test_the_last_helper_wakes_the_waiting_job(store: Store) -> None:
    order(store)
    open_chunks(store, 2)
    for holder in ("one", "two"):
        take(store, holder)
    store.run(attempts.start(ID, retries=0, token="t"))
    later = Message(ID, "email_blast", "celery", "m", "[[], {}]", 3)
    store.run(attempts.postpone(ID, token="t", delay=600, message=later))
    put(store, "p0", None, holder="one")
    assert (store.run(maintenance.promote(10)).next_in or 0) > 500

    put(store, "p1000", None, holder="two")
    assert store.run(maintenance.promote(10)).promoted == 1


def test_a_repeated_part_is_added_once_and_gets_the_same_answer(store: Store) -> None:
    order(store, due=9e9)
    command = commands.add_recipients(
        ID,
        [RecipientLine("a@x.org", "", '"a@x.org"')],
        keep_seconds=KEEP_SECONDS,
        max_recipients=10,
    )
    assert store.run(command) == store.run(command)
    assert store.run(commands.read_upload_state(ID)) == (False, 1)
    assert add(store, "a@x.org", "b@x.org")[1:] == (1, 0, 1, 2)


def test_a_blast_accepts_recipients_up_to_its_limit_and_none_after_its_start(store: Store) -> None:
    assert add(store, "a@x.org").how == "unknown"

    order(store, due=9e9)
    assert add(store, "a@x.org", "b@x.org", max_recipients=1).how == "full"
    assert add(store, "a@x.org").how == "added"
    assert store.run(commands.start_mailing(ID, keep_seconds=KEEP_SECONDS)) == "started"
    assert store.run(commands.start_mailing(ID, keep_seconds=KEEP_SECONDS)) == "again"
    assert add(store, "b@x.org").how == "closed"
    assert store.run(maintenance.promote(10)).promoted == 1


def test_a_full_redis_refuses_recipients_and_accepts_a_returned_chunk(store: Store) -> None:
    order(store, due=9e9)
    add(store, "a@x.org")
    open_chunks(store, 0)
    taken = take(store)
    ledger = mailing(store)
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
    store.run(commands.start_mailing(ID, keep_seconds=KEEP_SECONDS))
    open_chunks(store, 0)
    mailing(store).claim("a@x.org")
    mailing(store).read_tally()
    kept = {key: store.client.ttl(key) for key in store.client.scan_iter("continuo:mail:*")}

    assert len(kept) == 4
    assert all(0 < seconds <= KEEP_SECONDS for seconds in kept.values())


def test_mails_are_sent_no_faster_than_each_of_their_limits(store: Store) -> None:
    limits = [RateLimit("server:x", 1e6), RateLimit("blast:b", 0.5)]
    assert store.run(acquire_permit(limits)) == (0, 0)
    wait, place = store.run(acquire_permit(limits))
    assert wait == pytest.approx(2, abs=0.1)
    assert place == 1
    assert store.run(acquire_permit(limits[:1])) == (0, 0), "what had to wait was not counted"


def test_a_suppressed_address_is_not_claimed(store: Store) -> None:
    store.client.hset("continuo:suppressed", "ada@x.org", "complaint 1.0")
    ledger = mailing(store)
    assert not ledger.claim("Ada@x.org")
    assert count_outcomes(ledger.read_tally()) == {"suppressed": 1}
    assert not ledger.claim("ada@x.org")
