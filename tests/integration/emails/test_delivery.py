"""Blasts against servers that misbehave at chosen moments, with a real Valkey as the ledger."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import redis
from pydantic import ValidationError
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from project.errors import InvalidField, TransientError
from project.local.valkey import EmbeddedValkey
from project.settings.groups import forget_settings
from tasks.emails.delivery import smtp
from tasks.emails.delivery.attempt import MAX_DROPS, MailingSlice
from tasks.emails.delivery.ledger import (
    DeliveryCounts,
    RecipientOutcome,
    count_deliveries,
    count_outcomes,
)
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder, check_mailing
from tasks.emails.delivery.server import REPLY_SECONDS, MailServer, connect
from tests.support.servers.scripted_smtp import HANG_UP, ScriptedSmtpServer

ROOT = Path(__file__).parents[3]


@pytest.fixture
def keys(valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(valkey.url, socket_timeout=10)) as client:
        yield client


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedSmtpServer]:
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("SMTP_URL", url_of(scripted))
        monkeypatch.setenv("MAIL_FROM", "Continuo <continuo@mail.example.com>")
        forget_settings()
        yield scripted
        monkeypatch.undo()
        forget_settings()
        scripted.shutdown()
        thread.join(10)


def url_of(server: ScriptedSmtpServer, login: str = "") -> str:
    return f"smtp://{login}127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def job() -> str:
    return str(uuid.uuid4())


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
    return run_slice(build_mailing(keys, job, recipients), keys)


def finish(keys: redis.Redis, job: str, recipients: list[str]) -> DeliveryCounts:
    """An attempt after which every recipient has a final outcome."""
    outcomes = attempt(keys, job, recipients)
    assert not outcomes[RecipientOutcome.RETRY]
    return count_deliveries(build_mailing(keys, job).read_tally())


@pytest.fixture(
    params=["250 scripted", "250-scripted\r\n250 PIPELINING"], ids=["single", "several"]
)
def either(request: pytest.FixtureRequest, server: ScriptedSmtpServer) -> ScriptedSmtpServer:
    """A server that takes one command at a time, and one that takes several."""
    server.hello = request.param
    return server


def test_every_recipient_gets_one_mail_over_one_connection(
    either: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    server = either
    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)
    assert server.connections == 1
    assert [recipient for recipient, _ in server.taken] == TRIO
    for recipient, raw in server.taken:
        message = message_from_bytes(raw, policy=default)
        assert message["To"] == recipient
        assert not message.defects


def test_an_empty_list_sends_nothing_and_opens_no_connection(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    assert finish(keys, job, []) == DeliveryCounts(sent=0)
    assert server.connections == 0
    assert not keys.exists(f"continuo:mail:{job}")


def test_a_finished_blast_that_runs_again_sends_no_mail(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    first = finish(keys, job, TRIO)

    assert finish(keys, job, TRIO) == first
    assert server.times == Counter(TRIO)
    assert server.connections == 1


def test_a_recipient_listed_twice_gets_one_mail(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    assert finish(keys, job, [ADA, BOB, ADA]) == DeliveryCounts(sent=2)
    assert server.times == Counter([ADA, BOB])


def test_another_job_can_mail_the_same_recipients(
    server: ScriptedSmtpServer, keys: redis.Redis
) -> None:
    for job in (str(uuid.uuid4()), str(uuid.uuid4())):
        assert finish(keys, job, [ADA]) == DeliveryCounts(sent=1)
    assert server.times[ADA] == 2


def test_a_connection_is_renewed_after_a_hundred_mails(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    assert finish(keys, job, build_addresses(250)) == DeliveryCounts(sent=250)
    assert server.connections == 3
    assert server.commands.count("QUIT") == 3


def test_lines_that_start_with_a_dot_arrive_unchanged(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n"
    monkeypatch.setattr("tasks.emails.delivery.attempt.compose", lambda *_: mail)

    assert finish(keys, job, [ADA]) == DeliveryCounts(sent=1)
    assert server.taken[0][1] == b"Subject: dots\r\n\r\n..\r\n...\r\n..a\r\n"


@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
def test_a_temporarily_refused_mail_is_sent_at_the_second_attempt(
    either: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    stage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="tasks.emails")
    server = either
    server.once(stage, BOB, "451 4.7.1 greylisted")

    outcomes = attempt(keys, job, TRIO)

    assert outcomes == Counter({RecipientOutcome.SENT: 2, RecipientOutcome.RETRY: 1})
    assert "1 of 3 recipients have to wait (451 4.7.1 greylisted)" in caplog.text
    assert server.times == Counter([ADA, EVE])
    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)
    assert server.times == Counter(TRIO)


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        ("rcpt", DeliveryCounts(sent=2, bounced=1)),
        ("data", DeliveryCounts(sent=2, rejected=1)),
        ("dot", DeliveryCounts(sent=2, rejected=1)),
    ],
)
def test_a_permanent_refusal_is_final(
    either: ScriptedSmtpServer, keys: redis.Redis, job: str, stage: str, outcome: DeliveryCounts
) -> None:
    server = either

    server.once(stage, BOB, "550 no")

    assert finish(keys, job, TRIO) == outcome
    assert finish(keys, job, TRIO) == outcome
    assert server.times == Counter([ADA, EVE])


@pytest.mark.parametrize("stage", ["rcpt", "data"])
@pytest.mark.parametrize("reply", [HANG_UP, "421 closing", "what?"])
def test_a_connection_lost_before_the_dot_loses_no_mail(
    either: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    stage: str,
    reply: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="tasks.emails")
    server = either
    server.once(stage, BOB, reply)

    outcomes = attempt(keys, job, TRIO)

    assert outcomes == Counter({RecipientOutcome.SENT: 2, RecipientOutcome.RETRY: 1})
    assert "1 of 3 recipients have to wait" in caplog.text
    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)
    assert server.times == Counter(TRIO)


def test_a_connection_lost_in_the_text_loses_no_mail(
    server: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="tasks.emails")
    too_much_for_any_buffer = b"Subject: large\r\n\r\n" + b"x\r\n" * 10_000_000
    monkeypatch.setattr("tasks.emails.delivery.attempt.compose", lambda *_: too_much_for_any_buffer)
    server.once("body", ADA, HANG_UP)

    outcomes = attempt(keys, job, [ADA])

    assert outcomes == Counter({RecipientOutcome.RETRY: 1})
    assert "1 of 1 recipients have to wait" in caplog.text
    monkeypatch.undo()
    monkeypatch.setenv("SMTP_URL", url_of(server))
    forget_settings()

    assert finish(keys, job, [ADA]) == DeliveryCounts(sent=1)
    assert server.times == Counter([ADA])


@pytest.mark.parametrize("reply", [HANG_UP, "what?"])
@pytest.mark.parametrize("stage", ["dot", "answer"])
def test_a_lost_answer_to_the_dot_is_unknown_and_never_sent_again(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, stage: str, reply: str
) -> None:
    server.once(stage, BOB, reply)

    assert finish(keys, job, TRIO) == DeliveryCounts(sent=2, unknown=1)
    assert finish(keys, job, TRIO) == DeliveryCounts(sent=2, unknown=1)
    assert max(server.times.values()) == 1


@pytest.mark.parametrize("reply", [HANG_UP, "421 too many"])
def test_a_server_that_disconnects_between_two_mails_is_connected_to_again(
    either: ScriptedSmtpServer, keys: redis.Redis, job: str, reply: str
) -> None:
    server = either

    server.once("mail", ADA, reply)

    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)
    assert server.connections == 2


def test_an_attempt_ends_when_every_connection_is_lost(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    server.plan = lambda stage, _: HANG_UP if stage == "rcpt" else None

    with pytest.raises(TransientError, match="dropped 3 connections in a row"):
        attempt(keys, job, build_addresses(50))

    assert server.connections == MAX_DROPS


def test_after_a_refused_sender_the_recipients_are_put_back(
    either: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    server = either
    server.plan = lambda stage, _: "550 who are you?" if stage == "mail" else None
    with pytest.raises(smtp.ServerUnavailable, match="refuses the sender: 550 who are you"):
        attempt(keys, job, TRIO)
    assert len([line for line in server.commands if line.startswith("MAIL")]) == 1
    assert keys.hgetall(f"continuo:mail:{job}") == {ADA.encode(): b"retry"}

    server.plan = lambda _stage, _recipient: None
    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)


def test_while_a_server_is_down_the_recipients_are_put_back(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    forget_settings()
    with pytest.raises(smtp.ServerUnavailable, match="refused"):
        attempt(keys, job, TRIO)
    assert keys.hgetall(f"continuo:mail:{job}") == {ADA.encode(): b"retry"}

    monkeypatch.setenv("SMTP_URL", url_of(server))
    forget_settings()

    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)


def test_a_silent_server_times_out(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.emails.delivery.server.REPLY_SECONDS", 0.2)
    silence = threading.Event()
    server.plan = lambda _stage, _recipient: None if silence.wait(10) else HANG_UP
    with pytest.raises(TransientError, match="timed out"):
        attempt(keys, job, TRIO)

    silence.set()
    assert server.taken == []


def pour(talk: socket.socket, text: bytes, pause: float, over: threading.Event) -> None:
    """Send the text until the client has enough."""
    with contextlib.suppress(OSError):
        while not over.wait(pause):
            talk.sendall(text)


HOSTILE = {
    "a fast endless greeting": (b"", b"220-hello\r\n" * 500, 0.0),
    "a fast endless line": (b"220 ", b"x" * 4_096, 0.0),
    "a dripping greeting": (b"220 ", b"x", 0.02),
    "dripping lines": (b"", b"220-hello\r\n", 0.02),
}


@pytest.mark.parametrize(("start", "more", "pause"), HOSTILE.values(), ids=HOSTILE)
def test_an_endless_reply_ends_within_its_time_and_size(
    monkeypatch: pytest.MonkeyPatch, start: bytes, more: bytes, pause: float
) -> None:
    monkeypatch.setattr("tasks.emails.delivery.server.CONNECT_SECONDS", 0.5)
    over = threading.Event()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            talk, _ = listener.accept()
            with talk:
                talk.sendall(start)
                pour(talk, more, pause, over)

        thread = threading.Thread(target=serve)
        thread.start()
        started = time.monotonic()
        with pytest.raises(OSError, match=r"timed out|longer than|too long"):
            connect(MailServer("smtp", *listener.getsockname()), "test")
        seconds = time.monotonic() - started
        over.set()
        thread.join(10)

    assert seconds < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_an_endless_reply_later_gives_the_connection_up(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, stage: str
) -> None:
    server.plan = lambda at, _: "250-more\r\n" * 20_000 + "250 ok" if at == stage else None

    with pytest.raises(TransientError):
        attempt(keys, job, TRIO)


def test_the_login_happens_before_the_first_mail(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hello = "250-scripted\r\n250 AUTH PLAIN"
    server.login = "AGFkYQBzM2NyZXQ="
    monkeypatch.setenv("SMTP_URL", url_of(server, "ada:s3cret@"))
    forget_settings()

    assert finish(keys, job, TRIO) == DeliveryCounts(sent=3)
    assert len([line for line in server.commands if line.startswith("AUTH")]) == 1


@pytest.mark.parametrize(
    ("hello", "problem"),
    [("250-scripted\r\n250 AUTH PLAIN", "535 go away"), ("250 scripted", "not supported")],
)
def test_after_a_refused_login_the_recipients_are_put_back_and_the_password_is_hidden(
    server: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    monkeypatch: pytest.MonkeyPatch,
    hello: str,
    problem: str,
) -> None:
    server.hello, server.login = hello, "somethingelse"
    monkeypatch.setenv("SMTP_URL", url_of(server, "ada:s3cret@"))
    forget_settings()

    with pytest.raises(smtp.ServerUnavailable, match=problem) as raised:
        attempt(keys, job, TRIO)

    assert "s3cret" not in str(raised.value)
    assert keys.hgetall(f"continuo:mail:{job}") == {ADA.encode(): b"retry"}


def test_without_starttls_nothing_is_sent_in_clear_text(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hello = "250-scripted\r\n250 AUTH PLAIN"
    clear = url_of(server, "ada:s3cret@")
    monkeypatch.setenv("SMTP_URL", clear.replace("smtp:", "smtp+starttls:"))
    forget_settings()

    with pytest.raises(smtp.ServerUnavailable, match="STARTTLS extension not supported"):
        attempt(keys, job, TRIO)

    assert not [line for line in server.commands if line.startswith(("AUTH", "MAIL"))]


def test_an_invalid_setting_is_found_before_a_recipient_is_claimed(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SMTP_URL", "http://x"), ("MAIL_FROM", "nobody")):
        monkeypatch.setenv(name, value)
        forget_settings()
        with pytest.raises(ValidationError, match=name.lower()):
            attempt(keys, job, TRIO)
        monkeypatch.delenv(name)

    assert not keys.exists(f"continuo:mail:{job}")
    assert server.connections == 0


def test_hostile_recipients_do_not_reach_the_server(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    hostile = "ada@example.org>\r\nRCPT TO:<eve@example.org"
    with pytest.raises(InvalidField, match=r"recipients\[0\]"):
        check_mailing([hostile], "default")
    with pytest.raises(InvalidField, match="not one plain e-mail address"):
        attempt(keys, job, [hostile])
    assert server.commands == []


def test_racing_attempts_mail_no_recipient_twice(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    recipients, racers = build_addresses(200), 3
    together = threading.Barrier(racers, timeout=10)
    started = threading.local()

    def plan(stage: str, _recipient: str) -> None:
        if stage == "mail" and not hasattr(started, "yes"):
            started.yes = True
            if server.connections <= racers:
                together.wait()

    server.plan = plan
    ends: list[Counter[RecipientOutcome] | TransientError] = []

    def race() -> None:
        try:
            ends.append(attempt(keys, job, recipients))
        except TransientError as error:
            ends.append(error)

    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(ends) == racers
    assert together.n_waiting == 0
    assert finish(keys, job, recipients) == DeliveryCounts(sent=200)
    assert server.times == Counter(recipients)


def test_an_attempt_that_lost_its_claim_does_not_send(
    server: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="tasks.emails")
    taker = build_mailing(keys, job)

    def take_over(stage: str, _recipient: str) -> None:
        if stage == "data":
            taker.claim(BOB)

    server.plan = take_over

    outcomes = attempt(keys, job, [BOB])

    assert outcomes == Counter({RecipientOutcome.RETRY: 1})
    assert "1 of 1 recipients have to wait (another attempt mails them)" in caplog.text
    assert server.taken == []
    assert taker.about_to_send(BOB)


class FailingMailing(Mailing):
    """A mailing whose ledger is out of reach at one step, for one recipient."""

    step = ""

    def about_to_send(self, recipient: str) -> bool:
        self.fail("about_to_send", recipient)
        return super().about_to_send(recipient)

    def settle(self, recipient: str, outcome: RecipientOutcome, reason: str = "") -> None:
        self.fail("settle", recipient)
        super().settle(recipient, outcome, reason)

    def fail(self, step: str, recipient: str) -> None:
        if (step, recipient) == (self.step, BOB):
            raise TransientError("the ledger is out of reach")


@pytest.mark.parametrize(
    ("step", "end"),
    [("about_to_send", DeliveryCounts(sent=3)), ("settle", DeliveryCounts(sent=2, unknown=1))],
)
def test_a_ledger_that_fails_during_a_mail_causes_no_second_mail(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, step: str, end: DeliveryCounts
) -> None:
    mailing = FailingMailing(MailingOrder(job, TRIO), LedgerStore(keys))
    mailing.step = step
    started = time.monotonic()

    with pytest.raises(TransientError, match="out of reach"):
        run_slice(mailing, keys)
    assert time.monotonic() - started < REPLY_SECONDS / 2
    assert finish(keys, job, TRIO) == end
    assert server.times == Counter(TRIO)


ATTEMPT = """
import sys, redis
from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
_, port, job, *recipients = sys.argv
mailing = Mailing(MailingOrder(job, recipients), LedgerStore(redis.Redis(port=int(port))))
mailing.open(retries=0)
MailingSlice(mailing).work()
"""


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot", "answer"])
def test_a_killed_attempt_mails_no_recipient_twice_and_skips_none(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, stage: str
) -> None:
    recipients = build_addresses(5)
    port = str(keys.connection_pool.connection_kwargs["port"])
    command = [sys.executable, "-c", ATTEMPT, port, job, *recipients]
    running = threading.Event()
    victim: list[subprocess.Popen[bytes]] = []

    def kill(at: str, recipient: str) -> str | None:
        # when MAIL comes, the server still has the recipient of the mail before
        if (at, recipient) != (stage, recipients[1 if at == "mail" else 2]):
            return None
        assert running.wait(10)
        victim[0].kill()
        victim[0].wait(10)
        return HANG_UP

    server.plan = kill
    with subprocess.Popen(command, cwd=ROOT, env=os.environ) as process:
        victim.append(process)
        running.set()
        assert process.wait(30) == -signal.SIGKILL
    server.plan = lambda _stage, _recipient: None
    end = finish(keys, job, recipients)
    in_doubt = 1 if stage in {"dot", "answer"} else 0
    assert end == DeliveryCounts(sent=5 - in_doubt, unknown=in_doubt)

    lost = {recipients[2]} if stage == "dot" else set()
    assert server.times == Counter(set(recipients) - lost)


def test_two_deaths_and_a_takeover_leave_the_ledger_complete(keys: redis.Redis, job: str) -> None:
    first, second, third = (build_mailing(keys, job) for _ in range(3))
    assert first.claim(ADA)
    assert second.claim(ADA)
    assert not first.about_to_send(ADA)

    first.settle(ADA, RecipientOutcome.BOUNCED)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.RETRY: 1})
    assert second.about_to_send(ADA)
    assert not third.claim(ADA)

    third.settle(ADA, RecipientOutcome.RETRY)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.UNKNOWN: 1})
    second.settle(ADA, RecipientOutcome.SENT)
    second.settle(ADA, RecipientOutcome.RETRY)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.SENT: 1})


def test_a_step_repeated_after_a_lost_answer_changes_nothing(keys: redis.Redis, job: str) -> None:
    ledger = build_mailing(keys, job)

    assert ledger.claim(ADA)
    assert ledger.claim(ADA)
    assert ledger.about_to_send(ADA)
    assert ledger.about_to_send(ADA)
    assert not ledger.claim(ADA)


@pytest.mark.parametrize(
    "outcome", [found for found in RecipientOutcome if found is not RecipientOutcome.RETRY]
)
def test_a_final_outcome_is_never_claimed_again(
    keys: redis.Redis, job: str, outcome: RecipientOutcome
) -> None:
    ledger = build_mailing(keys, job)
    ledger.claim(ADA)
    ledger.about_to_send(ADA)

    ledger.settle(ADA, outcome)

    assert not build_mailing(keys, job).claim(ADA)


def test_the_ledger_expires_long_after_the_last_claim(keys: redis.Redis, job: str) -> None:
    build_mailing(keys, job, keep_seconds=1_000).claim(ADA)
    build_mailing(keys, job, keep_seconds=9_000).claim(BOB)
    assert 8_990 < keys.ttl(f"continuo:mail:{job}") <= 9_000


def test_the_ledger_outlives_the_record(
    keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_FAILED", "99000000")
    forget_settings()
    build_mailing(keys, job).claim(ADA)
    monkeypatch.undo()
    forget_settings()

    assert keys.ttl(f"continuo:mail:{job}") > 99_000_000


def test_a_ledger_works_with_a_client_that_decodes_answers(keys: redis.Redis, job: str) -> None:
    port = keys.connection_pool.connection_kwargs["port"]
    with closing(redis.Redis(port=port, decode_responses=True)) as client:
        ledger = build_mailing(client, job)
        assert ledger.claim(ADA)
        assert count_outcomes(ledger.read_tally()) == Counter({RecipientOutcome.RETRY: 1})


def test_an_unreachable_or_full_valkey_fails_the_attempt_temporarily(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    away = redis.Redis(port=free_port(), retry=Retry(ConstantBackoff(0), 0))
    with closing(away), pytest.raises(TransientError, match="the mail ledger cannot be used"):
        attempt(away, job, TRIO)

    keys.config_set("maxmemory", "1")
    try:
        with pytest.raises(TransientError, match="the mail ledger cannot be used"):
            attempt(keys, job, TRIO)
    finally:
        keys.config_set("maxmemory", "0")

    assert server.connections == 0
