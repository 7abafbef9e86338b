"""One SMTP connection for many mails, one recipient per mail.

``SmtpConnection.send`` holds the whole conversation about one mail: sender and recipient, the
text, the final dot. Only the dot cannot be taken back: whatever goes wrong before the dot, nothing
was sent.
"""

import contextlib
import smtplib
from collections.abc import Callable
from typing import Literal, NamedTuple, Self

from project.errors import TransientError
from tasks.emails.addresses import Sender
from tasks.emails.delivery.server import REPLY_SECONDS, MailServer, connect

DOT_SECONDS = 120.0
"""How long to wait for the reply to the dot: a server may scan the whole mail first."""

MAILS_PER_CONNECTION = 100
"""Many servers close a connection that sends more."""

CLOSING_CODE = 421
START_INPUT_CODE = 354
NO_MAILBOX_CODES = ("5.1.1 ", "5.1.2 ", "5.1.3 ", "5.1.6 ", "5.1.10 ", "5.2.1 ")
"""The mailbox or its domain does not exist, has moved or is closed; 550 alone may mean anything."""

MAX_SHOWN_CHARACTERS = 200
"""The part of a server's reply that our errors repeat."""


class ServerUnavailable(TransientError):
    """No connection, no TLS, no login, or the sender is refused: no recipient is at fault."""


class ConnectionDropped(Exception):
    """The connection ended before the dot: nothing was sent."""


class ReplyLost(ConnectionDropped):
    """The connection ended after the dot, before its reply: the mail may have been sent."""


class SmtpReply(NamedTuple):
    """A reply of the server, such as ``550 no such mailbox``."""

    code: int
    text: str

    @property
    def is_ok(self) -> bool:
        """Whether the server did what the command says."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the classes of RFC 5321

    @property
    def is_temporary(self) -> bool:
        """Whether the same command may succeed later."""
        return 400 <= self.code < 500  # noqa: PLR2004

    @property
    def is_permanent(self) -> bool:
        """Whether the same command will never succeed."""
        return 500 <= self.code < 600  # noqa: PLR2004

    @property
    def is_about_mailbox(self) -> bool:
        """Whether a code of RFC 3463 says that the mailbox does not exist."""
        return self.is_permanent and self.text.startswith(NO_MAILBOX_CODES)

    @property
    def is_garbled(self) -> bool:
        """Whether this is no SMTP reply; nothing after it can be trusted."""
        return not 200 <= self.code < 600  # noqa: PLR2004

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class MailReply(NamedTuple):
    """The reply that decides about one mail, and what it answers."""

    to: Literal["recipient", "data", "dot"]
    reply: SmtpReply


class SmtpConnection:
    """The connection of one attempt: opened when first needed, renewed after some mails.

    Leaving the ``with`` block sends QUIT; leaving it with an exception only closes the
    connection, so that the server never completes a half-written mail. ``on_connect`` is called
    after each connection is opened.
    """

    def __init__(
        self, server: MailServer, sender: Sender, on_connect: Callable[[], None] = lambda: None
    ) -> None:
        self._server = server
        self._sender = sender
        self._on_connect = on_connect
        self._client: smtplib.SMTP | None = None
        self._mails = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.quit()
        else:
            self.drop()

    def send(
        self, recipient: str, message: bytes, confirm: Callable[[], bool] = lambda: True
    ) -> MailReply | None:
        """Send one mail; the first reply that refuses it, or the reply to the dot.

        ``message`` has CRLF line ends and ends with one. ``confirm`` is called just before the
        dot: when it returns False the mail is withdrawn and the answer is None. Raises
        ``ServerUnavailable``, ``ConnectionDropped``, ``ReplyLost``.
        """
        reply = self._start_mail(recipient)
        if not reply.is_ok:
            return MailReply("recipient", reply)
        refusal = self._send_text(message)
        if refusal is not None:
            return MailReply("data", refusal)
        if not confirm():
            self.drop()
            return None
        return MailReply("dot", self._send_dot())

    def drop(self) -> None:
        """Close the connection without QUIT; the next mail opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def quit(self) -> None:
        """Send QUIT and close the connection."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.docmd("QUIT")
        self.drop()

    def _start_mail(self, recipient: str) -> SmtpReply:
        """MAIL and RCPT; the reply to RCPT."""
        if self._mails >= MAILS_PER_CONNECTION:
            self.quit()
        rcpt = f"RCPT TO:<{recipient}>"
        started = self._send_mail_from(rcpt)
        if not started.is_ok:
            self.drop()
            raise ServerUnavailable(f"{self._server} refuses the sender: {started}")
        reply = self._expect_reply() if self._has_pipelining else self._ask(rcpt)
        if not reply.is_ok:
            self._reset()
        return reply

    def _send_text(self, message: bytes) -> SmtpReply | None:
        """DATA and the text without its dot; the refusal of DATA, or None."""
        reply = self._ask("DATA")
        if reply.code != START_INPUT_CODE:
            self._reset()
            return reply
        self._send(message.replace(b"\r\n.", b"\r\n.."))
        return None

    def _send_dot(self) -> SmtpReply:
        self._mails += 1
        try:
            client = self._require_client()
            if client.sock is not None:
                client.sock.settimeout(DOT_SECONDS)
            self._send(b".\r\n")
            reply = self._read_reply()
        except ConnectionDropped as drop:
            raise ReplyLost(str(drop)) from drop
        if reply.code == CLOSING_CODE or reply.is_garbled:
            self.drop()
        elif client.sock is not None:
            client.sock.settimeout(REPLY_SECONDS)
        return reply

    def _send_mail_from(self, rcpt: str) -> SmtpReply:
        """MAIL FROM, on a new connection when the server has closed the old one meanwhile."""
        if self._client is not None:
            with contextlib.suppress(ConnectionDropped):
                return self._ask_mail_from(rcpt)
        self._open()
        return self._ask_mail_from(rcpt)

    def _ask_mail_from(self, rcpt: str) -> SmtpReply:
        """The reply to MAIL FROM; RCPT goes along when the server has PIPELINING."""
        command = f"MAIL FROM:<{self._sender.address}>"
        return self._ask(f"{command}\r\n{rcpt}" if self._has_pipelining else command)

    @property
    def _has_pipelining(self) -> bool:
        """Whether the server supports PIPELINING (RFC 2920): one round trip less per mail."""
        return self._client is not None and self._client.has_extn("pipelining")

    def _open(self) -> None:
        try:
            self._client = connect(self._server, self._sender.domain)
        except (OSError, ValueError) as error:
            raise ServerUnavailable(
                f"{self._server} cannot be used: {_describe_error(error)}"
            ) from error
        self._mails = 0
        self._on_connect()

    def _reset(self) -> None:
        with contextlib.suppress(ConnectionDropped):
            if not self._ask("RSET").is_ok:
                self.drop()

    def _ask(self, command: str) -> SmtpReply:
        self._send(f"{command}\r\n".encode("ascii"))
        return self._expect_reply()

    def _expect_reply(self) -> SmtpReply:
        reply = self._read_reply()
        if reply.code == CLOSING_CODE or reply.is_garbled:
            self.drop()
            raise ConnectionDropped(f"the server replied {reply}")
        return reply

    def _send(self, data: bytes) -> None:
        try:
            self._require_client().send(data)
        except OSError as error:
            self.drop()
            raise ConnectionDropped(_describe_error(error)) from error

    def _read_reply(self) -> SmtpReply:
        try:
            code, text = self._require_client().getreply()
        except OSError as error:
            self.drop()
            raise ConnectionDropped(_describe_error(error)) from error
        return SmtpReply(code, _replace_unprintable(text.decode("utf-8", "replace")))

    def _require_client(self) -> smtplib.SMTP:
        if self._client is None:
            raise ConnectionDropped("there is no connection")
        return self._client


def _describe_error(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return _replace_unprintable(f"{error.smtp_code} {words}")
    return _replace_unprintable(str(error) or type(error).__name__)


def _replace_unprintable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_SHOWN_CHARACTERS]
