"""Blasts to a scripted mail server, with a real Valkey as the ledger."""

import uuid
from collections import Counter
from email import message_from_bytes
from email.policy import default

import pytest
import redis
from pydantic import ValidationError

from project.errors import InvalidField
from project.settings.groups import forget_settings
from tasks.emails.delivery.ledger import DeliveryCounts
from tasks.emails.delivery.order import check_mailing
from tests.support.mailings import ADA, BOB, TRIO, attempt, build_addresses, finish
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


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
