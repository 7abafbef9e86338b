"""The mail server: its address and login (SMTP_URL), and how to connect to it."""

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from project.errors import InvalidField

CONNECT_SECONDS = 10.0
REPLY_SECONDS = 30.0
DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    """The address and the login of a mail server. ``scheme`` is one of ``DEFAULT_PORTS``."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_mail_url(url: str) -> MailServer:
    """The server of a URL ``SCHEME://[user:password@]host[:port]``.

    The scheme is ``smtp`` (default port 25), ``smtps`` (465) or ``smtp+starttls`` (587). User and
    password can be percent-encoded. Raises ``InvalidField("SMTP_URL")``, without the password.
    """
    parts = _split_url(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise _build_url_error(
            f"starts with one of {', '.join(f'{name}://' for name in DEFAULT_PORTS)}"
        )
    if not parts.hostname or not parts.hostname.isascii():
        raise _build_url_error("needs an ASCII host, as in smtp://mail.example.com:25")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _build_url_error(
            "ends after host and port; encode / ? # in a password as %2F %3F %23"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise _build_url_error("needs both user and password, or none of them")
    if not f"{user}{password}".isascii():
        raise _build_url_error("takes only ASCII in user and password")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def _split_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _build_url_error(
            "has a host or port that cannot be read; ports are 1 to 65535"
        ) from None
    if not url.isprintable() or parts.port == 0:
        raise _build_url_error("has a host or port that cannot be read; ports are 1 to 65535")
    return parts


def _build_url_error(problem: str) -> InvalidField:
    return InvalidField("SMTP_URL", problem)


def connect(server: MailServer, hello: str) -> smtplib.SMTP:
    """Connect, encrypt and log in; ``hello`` is our name for EHLO. Raises ``OSError``."""
    client = _dial(server, hello)
    try:
        if server.scheme == "smtp+starttls":
            client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
        if server.user:
            client.login(server.user, server.password)
        _tune(client.sock)
    except BaseException:
        client.close()
        raise
    return client


def _dial(server: MailServer, hello: str) -> smtplib.SMTP:
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(
            server.host,
            server.port,
            local_hostname=hello,
            timeout=CONNECT_SECONDS,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(server.host, server.port, local_hostname=hello, timeout=CONNECT_SECONDS)


def _tune(sock: socket.socket | None) -> None:
    if sock is None:
        raise smtplib.SMTPServerDisconnected("the server closed the connection during the greeting")
    sock.settimeout(REPLY_SECONDS)
    # text and dot are two writes: without TCP_NODELAY the dot waits for the ACK of the text
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
