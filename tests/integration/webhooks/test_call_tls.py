"""Calls over TLS, to servers with valid and with invalid certificates."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.errors import PermanentError, TransientError
from tasks.webhooks import connection
from tests.support.servers.scripted_http import LISTEN_ADDRESS, ScriptedHttpServer
from tests.support.waiting import PATIENCE
from tests.support.webhook_calls import ELSEWHERE, Start, make_call


def certificate(folder: Path, name: str) -> Path:
    key, file = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(file)),
            *("-subj", "/CN=test", "-addext", f"subjectAltName={name}"),
        ],
        check=True,
        capture_output=True,
        timeout=30 * PATIENCE,
    )
    file.write_bytes(key.read_bytes() + file.read_bytes())
    return file


@pytest.fixture
def secure(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allow: Callable[[str], None]
) -> Iterator[Callable[[str], ScriptedHttpServer]]:
    """A server whose certificate is for this name; authorities trust it when they are told."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    allow(f"{LISTEN_ADDRESS}/32,localhost")

    def start_one(name: str) -> ScriptedHttpServer:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate(tmp_path, name))
        host = ELSEWHERE if "localhost" in name else LISTEN_ADDRESS
        return start(host, context)

    connection.build_tls_context.cache_clear()
    yield start_one
    connection.build_tls_context.cache_clear()


def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))


@pytest.mark.parametrize(
    ("name", "host"),
    [(f"IP:{LISTEN_ADDRESS}", LISTEN_ADDRESS), ("DNS:localhost", "localhost")],
    ids=["IP", "DNS"],
)
def test_a_valid_certificate_is_accepted(
    secure: Callable[[str], ScriptedHttpServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    host: str,
) -> None:
    server = secure(name)
    trust(tmp_path, monkeypatch)

    assert make_call(f"https://{host}:{server.port}/", body="x" * 200_000)["body"] == "ok"
    assert len(server.requests[0].body) == 200_000


def test_the_certificate_of_another_host_is_refused_for_good(
    secure: Callable[[str], ScriptedHttpServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = secure("DNS:other.example.com")
    trust(tmp_path, monkeypatch)

    with pytest.raises(PermanentError, match="has an invalid certificate: IP address mismatch"):
        make_call(f"https://{LISTEN_ADDRESS}:{server.port}/")

    assert server.requests == []


def test_an_untrusted_certificate_is_refused_for_good(
    secure: Callable[[str], ScriptedHttpServer],
) -> None:
    server = secure(f"IP:{LISTEN_ADDRESS}")

    with pytest.raises(PermanentError, match="has an invalid certificate: self-signed"):
        make_call(f"https://{LISTEN_ADDRESS}:{server.port}/")

    assert server.requests == []


def test_a_server_without_tls_is_retried() -> None:
    def greet(plain: socket.socket) -> None:
        connected, _ = plain.accept()
        with connected:
            connected.sendall(b"hello, this is no TLS")

    with socket.create_server((LISTEN_ADDRESS, 0)) as plain:
        threading.Thread(target=greet, args=(plain,)).start()
        with pytest.raises(TransientError, match="failed"):
            make_call(f"https://{LISTEN_ADDRESS}:{plain.getsockname()[1]}/")


def test_an_endless_tls_handshake_ends_at_the_timeout() -> None:
    with socket.create_server((LISTEN_ADDRESS, 0)) as silent:
        began = time.monotonic()

        with pytest.raises(TransientError, match="took longer than 1 s"):
            make_call(f"https://{LISTEN_ADDRESS}:{silent.getsockname()[1]}/", timeout=1)

        assert time.monotonic() - began < 2
