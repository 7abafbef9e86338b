"""Encrypted hand-in against a real TLS server; certificates are made by openssl."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tasks.emails.addresses import Sender
from tasks.emails.delivery import smtp
from tasks.emails.delivery.server import parse_mail_url
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

SENDER = Sender("c@x.org", "c@x.org", "x.org")
HOST = "127.0.0.1"
MAIL = b"Subject: hi\r\n\r\nhello\r\n"


class Inbox:
    """Remembers who got a mail."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - the name aiosmtpd looks for
        self.recipients += envelope.rcpt_tos
        return "250 ok"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as held:
        return int(held.getsockname()[1])


def certificate(folder: Path, name: str) -> Path:
    file = folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(file), "-out", str(folder / "only.pem")),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName={name}"),
        ],
        check=True,
        capture_output=True,
        timeout=30 * PATIENCE,
    )
    file.write_bytes(file.read_bytes() + (folder / "only.pem").read_bytes())
    return file


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("ours"), "IP:127.0.0.1")


@pytest.fixture(scope="module")
def of_somebody_else(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("other"), "DNS:other.example.com")


def allow_ada(*arguments: object) -> AuthResult:
    login = arguments[-1]
    assert isinstance(login, LoginPassword)
    return AuthResult(success=login == LoginPassword(b"ada", b"s3cret"), handled=False)


Start = Callable[[str, Path], tuple[str, Inbox]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Controller] = []

    def start_one(scheme: str, file: Path) -> tuple[str, Inbox]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        inbox = Inbox()
        port = free_port()
        if scheme == "smtps":
            controller = Controller(inbox, hostname=HOST, port=port, ssl_context=context)
        else:
            controller = Controller(
                inbox,
                hostname=HOST,
                port=port,
                tls_context=context,
                require_starttls=True,
                auth_required=True,
                authenticator=allow_ada,
            )
        controller.start()
        started.append(controller)
        return f"{HOST}:{port}", inbox

    yield start_one
    for controller in started:
        controller.stop()


def send(url: str) -> smtp.SmtpReply:
    with smtp.SmtpConnection(parse_mail_url(url), SENDER) as connection:
        answer = connection.send("ada@example.org", MAIL)

    assert answer is not None
    assert answer.to == "dot", "recipient and text were accepted"
    return answer.reply


@pytest.mark.parametrize(("scheme", "login"), [("smtps", ""), ("smtp+starttls", "ada:s3cret@")])
def test_a_mail_is_sent_encrypted_to_a_server_with_a_valid_certificate(
    start: Start, ours: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, login: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))

    address, inbox = start(scheme, ours)

    assert send(f"{scheme}://{login}{address}").code == 250
    assert inbox.recipients == ["ada@example.org"]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_unknown_certificate_is_refused(start: Start, ours: Path, scheme: str) -> None:
    address, inbox = start(scheme, ours)

    with pytest.raises(smtp.ServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        send(f"{scheme}://{address}")

    assert inbox.recipients == []


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_of_another_host_is_refused(
    start: Start, of_somebody_else: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(of_somebody_else))
    address, inbox = start(scheme, of_somebody_else)

    with pytest.raises(smtp.ServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        send(f"{scheme}://{address}")

    assert inbox.recipients == []


def test_a_wrong_password_is_refused(
    start: Start, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    address, inbox = start("smtp+starttls", ours)

    with pytest.raises(smtp.ServerUnavailable, match="535"):
        send(f"smtp+starttls://ada:wrong@{address}")

    assert inbox.recipients == []


INJECTED = (
    "250-injected\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken"
)
"""Plain replies that an attacker on the network adds to the one to STARTTLS."""


class Meddler:
    """An SMTP server whose reply to STARTTLS is ``reply``; refuses the recipient under TLS."""

    def __init__(self, reply: str, file: Path) -> None:
        self.reply = reply
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(file)
        self.listener = socket.create_server((HOST, 0))
        self.plain: list[str] = []
        self.encrypted: list[str] = []

    @property
    def address(self) -> str:
        return f"{HOST}:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError), self.listener.accept()[0] as client:
            client.settimeout(20 * PATIENCE)
            client.sendall(b"220 hello\r\n")
            if self.talk(client, self.plain) and self.reply.startswith("220"):
                with self.context.wrap_socket(client, server_side=True) as encrypted:
                    self.talk(encrypted, self.encrypted)

    def talk(self, client: socket.socket, heard: list[str]) -> bool:
        """Answer each line until the end, or until STARTTLS: then True."""
        replies = {"EHLO": "250-real\r\n250 STARTTLS", "STARTTLS": self.reply, "AUTH": "235 in"}
        with client.makefile("r", newline="\r\n") as lines:
            for line in lines:
                verb = line.split()[0].upper()
                heard.append(verb)
                reply = replies.get(verb, "550 refused" if verb == "RCPT" else "250 ok")
                client.sendall(f"{reply}\r\n".encode())
                if verb == "STARTTLS":
                    return True
        return False


@contextmanager
def meddle(reply: str, file: Path) -> Iterator[Meddler]:
    server = Meddler(reply, file)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.close()
        thread.join(20 * PATIENCE)


def test_replies_that_came_before_the_encryption_are_thrown_away(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    with meddle(f"220 go\r\n{INJECTED}", ours) as server:
        url = parse_mail_url(f"smtp+starttls://{server.address}")
        with smtp.SmtpConnection(url, SENDER) as connection:
            answer = connection.send("ada@example.org", MAIL)

    assert answer is not None
    assert (answer.to, answer.reply.code, answer.reply.text) == ("recipient", 550, "refused")
    assert server.encrypted[:3] == ["EHLO", "MAIL", "RCPT"]


@pytest.mark.parametrize("reply", ["454 not now", "502 unknown", "250 ok", INJECTED])
def test_without_encryption_neither_password_nor_mail_is_sent(ours: Path, reply: str) -> None:
    with meddle(reply, ours) as server:
        url = parse_mail_url(f"smtp+starttls://ada:s3cret@{server.address}")
        with (
            smtp.SmtpConnection(url, SENDER) as connection,
            pytest.raises((smtp.ServerUnavailable, smtp.ConnectionDropped)),
        ):
            connection.send("ada@example.org", MAIL)

    assert {"AUTH", "MAIL", "RCPT"}.isdisjoint(server.plain)
