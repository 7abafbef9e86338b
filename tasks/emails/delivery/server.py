"""How to connect to the mail server of SMTP_URL."""

import smtplib
import socket
import ssl

from project.services import ServiceFault
from project.settings.mail_url import MailServer, parse_mail_url
from project.settings.values import get_settings
from tasks.emails.delivery.replies import PlainClient, TlsClient

__all__ = ["MailServer", "connect", "parse_mail_url"]

CONNECT_SECONDS = 10.0
REPLY_SECONDS = 30.0


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


def check_mail_server() -> str:
    """Log in to the mail server of SMTP_URL, for ``python -m project.check``."""
    if not get_settings().smtp_url:
        return "SMTP_URL is not set: the bundled sink keeps all mails"
    server = parse_mail_url(get_settings().smtp_url)
    try:
        connect(server, socket.gethostname()).close()
    except (OSError, smtplib.SMTPException) as error:
        raise ServiceFault(f"{server}: {explain_smtp(error)}") from None
    return f"{server} accepts {'the login' if server.user else 'connections'}"


def explain_smtp(error: Exception) -> str:
    """What a mail server said, or why it was not reached."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        return f"{error.smtp_code} {text}"
    return str(error) or type(error).__name__


def _dial(server: MailServer, hello: str) -> smtplib.SMTP:
    if server.scheme == "smtps":
        return TlsClient(
            server.host,
            server.port,
            local_hostname=hello,
            timeout=CONNECT_SECONDS,
            context=ssl.create_default_context(),
        )
    return PlainClient(server.host, server.port, local_hostname=hello, timeout=CONNECT_SECONDS)


def _tune(sock: socket.socket | None) -> None:
    if sock is None:
        raise smtplib.SMTPServerDisconnected("the server closed the connection during the greeting")
    sock.settimeout(REPLY_SECONDS)
    # text and dot are two writes: without TCP_NODELAY the dot waits for the ACK of the text
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
