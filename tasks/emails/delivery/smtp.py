"""One SMTP connection, used for many mails, one recipient per mail.

A mail goes in three steps, because only the last one cannot be taken back:
``address`` names sender and recipient, ``write`` hands over the text, ``dot``
ends it with the final dot. Whatever happens before the dot, nothing was sent.
"""

import contextlib
import smtplib
from collections.abc import Callable
from typing import NamedTuple, Self

from project.errors import TransientError
from tasks.emails.addresses import Sender
from tasks.emails.delivery.server import REPLY_SECONDS, MailServer, connect

DOT_SECONDS = 120.0
"""A server may look at the whole mail before it answers the dot."""

MAILS_PER_CONNECTION = 100
"""Many servers hang up on connections that send more."""

CLOSING_CODE = 421
START_INPUT_CODE = 354
NO_MAILBOX_CODES = ("5.1.1 ", "5.1.2 ", "5.1.3 ", "5.1.6 ", "5.1.10 ", "5.2.1 ")
"""The mailbox or its domain does not exist, has moved or is closed; 550 alone may mean anything."""

MAX_SHOWN_CHARACTERS = 200
"""Characters of a server's answer that are repeated in our errors."""


class ServerUnavailable(TransientError):
    """No connection, no TLS, no login, or the sender is refused: no recipient is at fault."""


class ConnectionDropped(Exception):
    """The connection ended before the answer came."""


class SmtpReply(NamedTuple):
    """An answer of the server, such as ``550 no such mailbox``."""

    code: int
    text: str

    @property
    def is_ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the classes of RFC 5321

    @property
    def is_temporary(self) -> bool:
        """Whether the same may work later."""
        return 400 <= self.code < 500  # noqa: PLR2004

    @property
    def is_permanent(self) -> bool:
        """Whether the same will never work."""
        return 500 <= self.code < 600  # noqa: PLR2004

    @property
    def is_about_mailbox(self) -> bool:
        """Whether it says, in a code of RFC 3463, that there is no such mailbox."""
        return self.is_permanent and self.text.startswith(NO_MAILBOX_CODES)

    @property
    def is_garbled(self) -> bool:
        """Whether this is no SMTP answer at all; nothing after it can be trusted."""
        return not 200 <= self.code < 600  # noqa: PLR2004

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class SmtpConnection:
    """The connection of one attempt: opened when first needed, renewed now and then.

    Leaving the ``with`` block says goodbye; leaving it with an exception just
    hangs up, so that a half-written mail is never completed. ``connected`` is
    called whenever one was opened.
    """

    def __init__(
        self, server: MailServer, sender: Sender, connected: Callable[[], None] = lambda: None
    ) -> None:
        self._server = server
        self._sender = sender
        self._tell = connected
        self._client: smtplib.SMTP | None = None
        self._mails = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.quit()
        else:
            self.drop()

    def address(self, recipient: str) -> SmtpReply:
        """Start a mail. The reply is about the recipient; ``is_ok``: go on with ``write``.

        Raises ``ServerUnavailable``, or ``ConnectionDropped`` when the connection ends here.
        """
        if self._mails >= MAILS_PER_CONNECTION:
            self.quit()
        rcpt = f"RCPT TO:<{recipient}>"
        started = self._start(rcpt)
        if not started.is_ok:
            self.drop()
            raise ServerUnavailable(f"{self._server} refuses the sender: {started}")
        reply = self._expect_reply() if self._has_pipelining else self._ask(rcpt)
        if not reply.is_ok:
            self._reset()
        return reply

    def write(self, message: bytes) -> SmtpReply | None:
        """Hand over the text without its end. None: go on with ``dot``, else why not.

        ``message`` has CRLF line ends and ends with one. Raises ``ConnectionDropped``.
        """
        reply = self._ask("DATA")
        if reply.code != START_INPUT_CODE:
            self._reset()
            return reply
        self._send(message.replace(b"\r\n.", b"\r\n.."))
        return None

    def dot(self) -> SmtpReply:
        """End the mail. ``ConnectionDropped``: nobody knows whether the server took it."""
        self._mails += 1
        client = self._require_client()
        if client.sock is not None:
            client.sock.settimeout(DOT_SECONDS)
        self._send(b".\r\n")
        reply = self._read_reply()
        if reply.code == CLOSING_CODE or reply.is_garbled:
            self.drop()
        elif client.sock is not None:
            client.sock.settimeout(REPLY_SECONDS)
        return reply

    def drop(self) -> None:
        """Hang up without a word; the next mail gets a new connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def quit(self) -> None:
        """Say goodbye and hang up."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.docmd("QUIT")
        self.drop()

    def _start(self, rcpt: str) -> SmtpReply:
        """MAIL FROM, on a new connection when the server has closed the used one meanwhile.

        What comes after it goes along with it when the server takes several commands at once.
        """
        if self._client is not None:
            with contextlib.suppress(ConnectionDropped):
                return self._send_mail_from(rcpt)
        self._open()
        return self._send_mail_from(rcpt)

    def _send_mail_from(self, rcpt: str) -> SmtpReply:
        command = f"MAIL FROM:<{self._sender.address}>"
        return self._ask(f"{command}\r\n{rcpt}" if self._has_pipelining else command)

    @property
    def _has_pipelining(self) -> bool:
        """Whether the server has said PIPELINING (RFC 2920): each mail waits once less."""
        return self._client is not None and self._client.has_extn("pipelining")

    def _open(self) -> None:
        try:
            self._client = connect(self._server, self._sender.domain)
        except (OSError, ValueError) as error:
            raise ServerUnavailable(
                f"{self._server} cannot be used: {_describe_error(error)}"
            ) from error
        self._mails = 0
        self._tell()

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
            raise ConnectionDropped(f"the server said {reply}")
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
    return "".join(letter if letter.isprintable() else " " for letter in text)[
        :MAX_SHOWN_CHARACTERS
    ]
