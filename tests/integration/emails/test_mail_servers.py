"""Blasts to mail servers that refuse, disconnect, are silent or talk without end."""

import contextlib
import resource
import socket
import threading
import time
from collections import Counter

import pytest
import redis

from project.errors import TransientError
from project.settings.groups import forget_settings
from tasks.emails.delivery import smtp
from tasks.emails.delivery.attempt import MAX_DROPS
from tasks.emails.delivery.ledger import DeliveryCounts, RecipientOutcome
from tasks.emails.delivery.server import MailServer, connect
from tests.support.mailings import ADA, BOB, EVE, TRIO, attempt, build_addresses, finish, url_of
from tests.support.ports import find_free_port as free_port
from tests.support.servers.scripted_smtp import HANG_UP, ScriptedSmtpServer


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
