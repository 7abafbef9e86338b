"""The bundled mail sink: ``python -m project.local.mail_sink``.

An SMTP server on 127.0.0.1 that delivers nothing. It stores each mail as a file in
``DATA_DIR/outbox``; the names sort by time. For development only: files are not flushed to disk,
so a power failure may lose the last ones.
"""

import asyncio
import contextlib
import ipaddress
import secrets
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

from project.errors import UnsafeStart
from project.settings.checks import run_program
from project.settings.values import get_settings

LOOPBACK = "127.0.0.1"
MAX_FILES = 10_000
MAX_TOTAL_BYTES = 1 << 30
MAX_MAIL_BYTES = 10 << 20
MAX_RECIPIENTS = 100
MAX_CONNECTIONS = 256
IDLE_SECONDS = 60
STOP_SECONDS = 2

ACCEPTED = "250 kept"
FULL = "452 4.3.1 the mail could not be written"
TOO_MANY = "452 4.5.3 at most {limit} recipients per mail"
BUSY = b"421 4.3.2 too many connections\r\n"


class MailFile(NamedTuple):
    """A mail on disk; ``size`` in bytes."""

    path: Path
    size: int


class MailFolder:
    """A folder of at most ``MAX_FILES`` mails and ``MAX_TOTAL_BYTES``; drops the oldest first."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for draft in folder.glob(".*.draft"):
            draft.unlink(missing_ok=True)
        self._folder = folder
        self._kept = deque(
            MailFile(path, path.stat().st_size) for path in sorted(folder.glob("*.eml"))
        )
        self._bytes = sum(mail.size for mail in self._kept)
        self._trim()

    def keep(self, mail: bytes) -> Path:
        """Write a mail; its file gets its name when it is complete. Raises ``OSError``."""
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        path = self._folder / f"{stamp}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{path.name}.draft"
        try:
            draft.write_bytes(mail)
            draft.rename(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        self._kept.append(MailFile(path, len(mail)))
        self._bytes += len(mail)
        self._trim()
        return path

    def _trim(self) -> None:
        while len(self._kept) > MAX_FILES or self._bytes > MAX_TOTAL_BYTES:
            oldest = self._kept.popleft()
            oldest.path.unlink(missing_ok=True)
            self._bytes -= oldest.size


class SmtpHandler:
    """The SMTP commands that aiosmtpd leaves to the program."""

    def __init__(self, outbox: MailFolder) -> None:
        self._outbox = outbox

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Add the recipient, up to ``MAX_RECIPIENTS``."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return TOO_MANY.format(limit=MAX_RECIPIENTS)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Accept the mail when its file is written."""
        try:
            self._outbox.keep(_add_envelope_headers(envelope))
        except OSError as error:
            sys.stderr.write(f"outbox: a mail could not be written: {error}\n")
            return FULL
        return ACCEPTED


class SmtpSession(SMTP):
    """An SMTP connection; it is closed when a line exceeds ``MAX_MAIL_BYTES``."""

    def __init__(self, handler: SmtpHandler, connections: set[asyncio.Transport]) -> None:
        super().__init__(
            handler,
            data_size_limit=MAX_MAIL_BYTES,
            hostname="localhost",
            ident="Continuo outbox",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self._socket: asyncio.Transport | None = None
        self._line_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._socket = transport
            self._connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Remove the connection."""
        super().connection_lost(error)
        if self._socket is not None:
            self._connections.discard(self._socket)

    def data_received(self, data: bytes) -> None:
        """Check the length of the line; aiosmtpd would buffer a line without limit."""
        end = data.rfind(b"\r\n")
        self._line_bytes = len(data) - end if end >= 0 else self._line_bytes + len(data)
        if self._line_bytes <= MAX_MAIL_BYTES:
            super().data_received(data)
        elif self._socket is not None:
            self._socket.abort()


class BusyProtocol(asyncio.Protocol):
    """Answers a connection beyond ``MAX_CONNECTIONS``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the error and close the connection."""
        if isinstance(transport, asyncio.Transport):
            transport.write(BUSY)
            transport.close()


@contextlib.asynccontextmanager
async def listen(outbox: MailFolder, port: int, host: str = LOOPBACK) -> AsyncIterator[int]:
    """Accept mails on ``host:port`` inside the block. Yields the port (0 asks for a free one).

    Raises ``UnsafeStart`` for a host that other machines can reach, ``OSError`` for a port in use.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise UnsafeStart(
            f"the mail sink asks for no password, and {host} is not a loopback address"
        )
    handler, connections = SmtpHandler(outbox), set[asyncio.Transport]()

    def connect() -> asyncio.Protocol:
        is_full = len(connections) >= MAX_CONNECTIONS
        return BusyProtocol() if is_full else SmtpSession(handler, connections)

    server = await asyncio.get_running_loop().create_server(connect, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in list(connections):
            transport.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), STOP_SECONDS)


async def _run(folder: Path, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listen(MailFolder(folder), port):
        sys.stdout.write(f"outbox: taking mails on {LOOPBACK}:{port}, kept in {folder}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code."""
    port, folder = get_settings().smtp_port, get_settings().data_dir / "outbox"
    try:
        asyncio.run(_run(folder, port))
    except OSError as error:
        sys.stderr.write(f"outbox: cannot take mails on {LOOPBACK}:{port}: {error}\n")
        return 1
    return 0


def _add_envelope_headers(envelope: Envelope) -> bytes:
    lines = [f"X-Envelope-From: {envelope.mail_from or '<>'}"]
    lines += [f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos]
    head = "".join(f"{_replace_unprintable(line)}\r\n" for line in lines)
    mail = envelope.original_content or b""
    return head.encode("utf-8", "replace") + mail


def _replace_unprintable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


if __name__ == "__main__":
    run_program("outbox", main)
