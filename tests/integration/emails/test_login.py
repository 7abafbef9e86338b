"""The login at the mail server, and the password that it keeps."""

import pytest
import redis

from project.settings.groups import forget_settings
from tasks.emails.delivery import smtp
from tasks.emails.delivery.ledger import DeliveryCounts
from tests.support.mailings import ADA, TRIO, attempt, finish, url_of
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


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
