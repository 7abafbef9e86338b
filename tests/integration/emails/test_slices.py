"""Slices of a mailing against servers that fail in every way, with a real Valkey."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import redis

from project.errors import PermanentError
from project.settings.groups import forget_settings
from tasks.emails.delivery import attempt, commands
from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.commands import MailingTally
from tasks.emails.delivery.ledger import outcome_of
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing, TakeResult
from tasks.emails.delivery.order import MailingOrder
from tasks.emails.delivery.report import build_result, format_leftover_error, format_note
from tasks.emails.delivery.smtp import ServerUnavailable
from tasks.emails.mail import templates
from tests.support.mailings import ADA, BOB, EVE, TRIO
from tests.support.servers.scripted_smtp import HANG_UP, ScriptedSmtpServer


@pytest.fixture
def store(keys: redis.Redis) -> LedgerStore:
    return LedgerStore(keys)


def order(recipients: Any = TRIO, **options: Any) -> MailingOrder:
    return MailingOrder(str(uuid.uuid4()), recipients, **options)


def run_slice(store: LedgerStore, blast: MailingOrder, *, retries: int = 0) -> TakeResult:
    """One slice; it does not wait for recipients that were put off."""
    mailing = Mailing(blast, store)
    mailing.open(retries)
    return MailingSlice(mailing).work()


def make_due(keys: redis.Redis, blast: MailingOrder) -> None:
    """Let the chunks that wait be free now."""
    key = f"continuo:mail:{blast.job_id}:chunks"
    for chunk in keys.zrange(key, 0, -1):
        keys.zadd(key, {chunk: 0})


def read_tries(keys: redis.Redis, blast: MailingOrder) -> int:
    return int(keys.hget(f"continuo:mail:{blast.job_id}:about", "tries:p0") or 0)


def outcomes(store: LedgerStore, blast: MailingOrder, people: list[str] = TRIO) -> list[str]:
    return [outcome_of(state) for state in store.run(commands.read_states(blast.job_id, people))]


def test_a_small_blast_is_sent_in_one_slice(server: ScriptedSmtpServer, store: LedgerStore) -> None:
    blast = order()
    assert run_slice(store, blast).how == "done"
    assert outcomes(store, blast) == ["sent"] * 3
    assert server.connections == 1

    result = build_result(blast, store.run(commands.read_tally(blast.job_id)))
    assert result | {"sent": 3, "template": "default"} == result
    assert result["rate"] == pytest.approx(3 / result["duration"], rel=0.1)


def test_the_result_counts_mails_and_connections(
    server: ScriptedSmtpServer, store: LedgerStore, keys: redis.Redis
) -> None:
    server.once("body", "user7@example.org", HANG_UP)
    people = [f"user{number}@example.org" for number in range(250)]
    blast = order(people, on_unknown="resend")
    while run_slice(store, blast).how != "done":
        make_due(keys, blast)
    assert server.times == Counter(people)

    result = build_result(blast, store.run(commands.read_tally(blast.job_id)))
    assert result["connections"] == server.connections
    assert result["mails_per_connection"] == pytest.approx(250 / server.connections, abs=0.05)


@pytest.mark.parametrize(
    ("done", "seconds", "left"),
    [(500, 10.0, "10 s"), (10, 10.0, "16 min"), (1, 20.0, "5.5 h"), (1_000, 9.0, ""), (0, 9.0, "")],
)
def test_the_progress_note_estimates_the_remaining_time(
    done: int, seconds: float, left: str
) -> None:
    tally = MailingTally({"sent": done, "dot": 1}, 1_000, 100.0, 100.0 + seconds, connections=2)
    counts = f"{done} sent; 2 connections" if done else ""
    assert format_note(tally, done, 1_000) == (f"{counts}; {left} left" if left else counts)


def test_a_greylisting_server_gets_every_recipient_again_later(
    server: ScriptedSmtpServer, store: LedgerStore, keys: redis.Redis
) -> None:
    seen: Counter[str] = Counter()

    def plan(stage: str, recipient: str) -> str | None:
        if stage != "rcpt":
            return None
        seen[recipient] += 1
        return "451 4.7.1 greylisted" if seen[recipient] <= 2 else None

    server.plan = plan
    blast = order()
    waits = []
    for _ in range(2):
        waits.append(run_slice(store, blast).wait)
        assert outcomes(store, blast) == ["retry"] * 3
        make_due(keys, blast)

    assert waits == [pytest.approx(2, abs=0.5), pytest.approx(4, abs=0.5)]
    assert run_slice(store, blast).how == "done"
    assert server.times == Counter(TRIO)


def test_a_full_server_bounces_no_recipient_and_the_job_counts_the_rest(
    server: ScriptedSmtpServer,
    store: LedgerStore,
    keys: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "MAX_TRIES", 2)
    server.plan = lambda stage, who: "452 4.2.2 full" if (stage, who) == ("rcpt", BOB) else None
    blast = order()
    assert run_slice(store, blast).how == "wait"

    make_due(keys, blast)
    assert run_slice(store, blast).how == "left"
    assert outcomes(store, blast) == ["sent", "retry", "sent"]
    said = format_leftover_error(store.run(commands.read_tally(blast.job_id)), attempt.MAX_TRIES)
    assert said.startswith("1 of 3 recipients were put off 2 times; sent to 2.")

    server.plan = lambda *_: None
    assert run_slice(store, blast).how == "left"
    assert run_slice(store, blast, retries=1).how == "done", "the job was run again"
    assert server.times == Counter(TRIO)


def test_a_server_that_disconnects_with_421_in_the_text_loses_no_mail(
    server: ScriptedSmtpServer, store: LedgerStore, keys: redis.Redis
) -> None:
    server.once("data", BOB, "421 4.7.0 slow down")
    blast = order()
    assert run_slice(store, blast).how == "wait"
    assert outcomes(store, blast) == ["sent", "retry", "sent"]

    make_due(keys, blast)
    assert run_slice(store, blast).how == "done"
    assert server.times == Counter(TRIO)
    assert server.connections == 3


def test_an_overloaded_server_gets_mails_more_slowly(
    server: ScriptedSmtpServer, store: LedgerStore
) -> None:
    server.plan = lambda stage, _: "452 4.3.1 too busy" if stage == "rcpt" else None
    blast = order([f"user{number}@example.org" for number in range(4)])
    started = time.monotonic()

    run_slice(store, blast)

    assert time.monotonic() - started >= 0.1 + 0.2 + 0.4


@pytest.mark.parametrize("stage", ["dot", "answer"])
def test_a_recipient_with_a_lost_answer_is_skipped_unless_the_order_says_resend(
    server: ScriptedSmtpServer, store: LedgerStore, keys: redis.Redis, stage: str
) -> None:
    server.once(stage, BOB, HANG_UP)
    blast = order()
    assert run_slice(store, blast).how == "done"
    assert outcomes(store, blast) == ["sent", "unknown", "sent"]

    server.taken.clear()
    server.once(stage, BOB, HANG_UP)
    again = order(on_unknown="resend")
    assert run_slice(store, again).how == "wait"

    make_due(keys, again)
    assert run_slice(store, again).how == "done"
    assert outcomes(store, again) == ["sent"] * 3

    ids = [message_from_bytes(raw)["Message-ID"] for who, raw in server.taken if who == BOB]
    assert len(set(ids)) == 1
    assert len(ids) == (2 if stage == "answer" else 1)


@pytest.mark.parametrize(("on_unknown", "end"), [("skip", "unknown"), ("resend", "sent")])
def test_a_recipient_being_mailed_when_a_worker_dies_is_mailed_again_only_on_request(
    server: ScriptedSmtpServer, store: LedgerStore, on_unknown: Any, end: str
) -> None:
    blast = order(on_unknown=on_unknown)
    dead = Mailing(blast, store)
    assert dead.claim(BOB)
    assert dead.about_to_send(BOB)
    assert run_slice(store, blast).how == "done"
    assert outcomes(store, blast) == ["sent", end, "sent"]
    assert server.times[BOB] == (on_unknown == "resend")


def test_a_refused_sender_leaves_the_chunk_to_the_next_attempt(
    server: ScriptedSmtpServer, store: LedgerStore
) -> None:
    server.plan = lambda stage, _: "550 who are you?" if stage == "mail" else None
    blast = order()
    with pytest.raises(ServerUnavailable):
        run_slice(store, blast)
    assert outcomes(store, blast) == ["retry", "waiting", "waiting"]

    server.plan = lambda *_: None
    assert run_slice(store, blast, retries=1).how == "done"
    assert server.times == Counter(TRIO)


def test_a_mailbox_that_does_not_exist_gets_no_mail_of_the_next_blast(
    server: ScriptedSmtpServer, store: LedgerStore
) -> None:
    replies = {ADA: "550 5.1.1 no such user", BOB: "550 we do not like you"}
    server.plan = lambda stage, who: replies.get(who) if stage == "rcpt" else None
    first, second = order(), order()
    run_slice(store, first)
    run_slice(store, second)
    assert outcomes(store, first) == ["bounced", "bounced", "sent"]
    assert outcomes(store, second) == ["suppressed", "bounced", "sent"]

    entry = store.run(commands.read_suppression(ADA))
    assert entry is not None
    assert entry.reason == "bounced"
    assert store.run(commands.read_suppression(BOB)) is None


@pytest.fixture
def greeting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "greeting").mkdir()
    (tmp_path / "greeting" / "subject.txt").write_text("For {{ name }}")
    (tmp_path / "greeting" / "body.html").write_text("<p>{{ greeting }}, {{ name }}!</p>")
    monkeypatch.setenv("MAIL_TEMPLATES", str(tmp_path))
    forget_settings()
    templates.forget_templates()
    yield "greeting"
    templates.forget_templates()


def test_a_template_gets_the_data_of_the_order_and_of_each_recipient(
    server: ScriptedSmtpServer, store: LedgerStore, greeting: str
) -> None:
    people = [[ADA, {"name": "Ada"}], [BOB, {"nome": "Bob"}], [EVE, {"name": "<Eve>"}]]
    blast = order(people, template=greeting, data={"greeting": "Hello", "name": None})
    assert run_slice(store, blast).how == "done"

    blast = order(people, template=greeting, data={"greeting": "Hello"})
    server.taken.clear()
    assert run_slice(store, blast).how == "done"
    assert outcomes(store, blast) == ["sent", "invalid", "sent"]

    subjects = [message_from_bytes(raw)["Subject"] for _, raw in server.taken]
    assert subjects == ["For Ada", "For <Eve>"]
    assert b"<p>Hello, &lt;Eve&gt;!</p>" in server.taken[1][1]


def test_a_template_that_fails_for_every_recipient_fails_the_blast(
    server: ScriptedSmtpServer, store: LedgerStore, greeting: str
) -> None:
    with pytest.raises(PermanentError, match="'greeting' is undefined"):
        run_slice(store, order(template=greeting, data={"name": "x"}))
    assert server.taken == []


def test_two_workers_together_keep_the_rate_of_a_blast(
    server: ScriptedSmtpServer, store: LedgerStore
) -> None:
    people = [f"user{number}@example.org" for number in range(2_000)]
    blast = order(people, rate=50)
    Mailing(blast, store).open(0)
    stop = time.monotonic() + 2

    def work(holder: str) -> None:
        one = MailingSlice(Mailing(blast, store, holder))
        one._ends_at = stop  # noqa: SLF001 - a short slice
        one.work()

    threads = [threading.Thread(target=work, args=(holder,)) for holder in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert 50 <= len(server.taken) <= 103
    assert server.connections == 2


def test_a_slow_domain_does_not_delay_the_others(
    server: ScriptedSmtpServer, store: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUO_MAIL_DOMAIN_RATE", "2")
    forget_settings()
    many = [f"user{number}@slow.example.org" for number in range(3)]

    blast = order([*many, ADA, "bob@example.com"])

    assert run_slice(store, blast).how == "done"
    assert [who for who, _ in server.taken] == [many[0], ADA, "bob@example.com", *many[1:]]


def test_a_slice_ends_and_the_next_one_continues(
    server: ScriptedSmtpServer,
    store: LedgerStore,
    keys: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "SLICE_SECONDS", 0.0)
    monkeypatch.setenv("DRAIN_SECONDS", "0")
    forget_settings()
    server.plan = lambda stage, _: time.sleep(0.05) if stage == "rcpt" else None
    people = [f"user{number}@example.org" for number in range(40)]
    blast = order(people)
    assert run_slice(store, blast) == TakeResult("wait")
    assert 0 < len(server.taken) < 40
    assert read_tries(keys, blast) == 0
    ends = (run_slice(store, blast).how for _ in range(40))
    assert "done" in ends
    assert server.times == Counter(people)
