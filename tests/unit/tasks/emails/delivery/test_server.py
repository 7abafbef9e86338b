import pytest

from project.errors import InvalidField
from tasks.emails.delivery.server import MailServer, parse_mail_url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:2525", MailServer("smtp", "127.0.0.1", 2525)),
        ("smtp://mail", MailServer("smtp", "mail", 25)),
        ("smtp://mail/", MailServer("smtp", "mail", 25)),
        ("SMTP://Mail.Example.com", MailServer("smtp", "mail.example.com", 25)),
        ("smtps://mail", MailServer("smtps", "mail", 465)),
        ("smtp+starttls://mail", MailServer("smtp+starttls", "mail", 587)),
        ("smtp://[::1]:26", MailServer("smtp", "::1", 26)),
        ("smtps://ada:s3cret@mail:1", MailServer("smtps", "mail", 1, "ada", "s3cret")),
        ("smtps://a%40x.org:p%2F%3A%23@mail", MailServer("smtps", "mail", 465, "a@x.org", "p/:#")),
    ],
)
def test_a_url_has_server_security_and_login(url: str, server: MailServer) -> None:
    assert parse_mail_url(url) == server


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "starts with one of smtp://, smtp\\+starttls://, smtps://"),
        ("mail.example.com:25", "starts with one of"),
        ("http://mail", "starts with one of"),
        ("smtp://", "needs an ASCII host"),
        ("smtp://:25", "needs an ASCII host"),
        ("smtp://bücher", "needs an ASCII host"),
        ("smtp://mail:0", "ports are 1 to 65535"),
        ("smtp://mail:70000", "ports are 1 to 65535"),
        ("smtp://mail:x", "ports are 1 to 65535"),
        ("smtp://[::1", "ports are 1 to 65535"),
        ("smtp://mail\x07", "cannot be read"),
        ("smtp://mail/inbox", "ends after host and port"),
        ("smtp://mail?tls=1", "ends after host and port"),
        ("smtp://ada@mail", "needs both user and password"),
        ("smtp://:s3cret@mail", "needs both user and password"),
        ("smtp://ada:%C3%BC@mail", "only ASCII"),
    ],
)
def test_an_invalid_url_is_refused_with_what_is_allowed(url: str, problem: str) -> None:
    with pytest.raises(InvalidField, match=problem) as raised:
        parse_mail_url(url)
    assert raised.value.field == "SMTP_URL"


@pytest.mark.parametrize(
    "url", ["smtp://ada:s3cret/@mail", "x://ada:s3cret@mail", "smtp://ada:s3cret@mail:x"]
)
def test_no_error_repeats_the_password(url: str) -> None:
    with pytest.raises(InvalidField) as raised:
        parse_mail_url(url)
    assert "s3cret" not in str(raised.value)


def test_a_server_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(parse_mail_url("smtps://ada:s3cret@mail"))
