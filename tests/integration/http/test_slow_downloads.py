"""Slow clients of the files port do not stop the others."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import pytest

from api.server import downloads
from api.server.downloads import FileServer
from project.artifacts import links
from tests.support.waiting import wait_until

ATTACKER, VISITOR = "127.0.0.2", "127.0.0.3"
SIZE = 24 << 20
"""More than the buffers of a connection hold."""


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer("127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def port(server: FileServer) -> int:
    return server.server_port


@pytest.fixture(scope="module")
def path() -> str:
    """The path of a link to a file of ``SIZE`` bytes."""
    with links.open_workshop() as folder:
        file = Path(folder) / "large"
        file.write_bytes(b"x" * SIZE)
        link = links.build_link(links.store_artifact(file, "a.csv"))
    return "/artifacts/" + link.rpartition("/")[2]


def dial(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))


def fetch(port: int, path: str, source: str = VISITOR) -> tuple[int, int]:
    """The status and the number of bytes."""
    with dial(port, source) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with HTTPResponse(client) as response:
            response.begin()
            return response.status, len(response.read())


def test_silent_connections_of_one_address_do_not_stop_another(port: int, path: str) -> None:
    with ExitStack() as stack:
        for _ in range(downloads.MAX_CONNECTIONS + 20):
            silent = stack.enter_context(dial(port, ATTACKER))
            silent.sendall(b"GET / HT")

        assert fetch(port, path) == (200, SIZE)


def test_ten_thousand_connections_of_one_address_do_not_stop_another(
    server: FileServer, port: int, path: str
) -> None:
    with ExitStack() as stack:
        for _ in range(downloads.MAX_PER_ADDRESS):
            stack.enter_context(dial(port, ATTACKER)).sendall(b"GET / HT")
        for _ in range(10_000):
            with dial(port, ATTACKER) as refused:
                assert refused.recv(100).startswith(b"HTTP/1.1 429 ")

        assert fetch(port, path) == (200, SIZE)
        assert server.addresses[ATTACKER] <= downloads.MAX_PER_ADDRESS + 1


def test_an_address_with_too_many_connections_is_refused_and_recovers(port: int, path: str) -> None:
    with ExitStack() as stack:
        for _ in range(downloads.MAX_PER_ADDRESS):
            stack.enter_context(dial(port, ATTACKER))

        with dial(port, ATTACKER) as refused:
            assert refused.recv(100).startswith(b"HTTP/1.1 429 ")

    for _ in range(100):
        with dial(port, ATTACKER) as again:
            again.sendall(f"HEAD {path} HTTP/1.1\r\n\r\n".encode())
            if again.recv(100).startswith(b"HTTP/1.1 200"):
                return
    pytest.fail("still refused")


@pytest.mark.parametrize("drip", [b"X", b"A: b\r\n"])
def test_a_dripping_head_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setattr(downloads, "HEAD_SECONDS", 0.3)
    over = threading.Event()
    with dial(port, ATTACKER) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")

        def send() -> None:
            try:
                while not over.wait(0.02):
                    client.sendall(drip)
            except OSError:
                return

        thread = threading.Thread(target=send)
        thread.start()
        try:
            end = client.recv(1)
        except ConnectionResetError:
            end = b""
        over.set()
        thread.join(10)

    assert end == b""


def test_a_reader_that_is_too_slow_is_cut_off(
    server: FileServer, port: int, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "IDLE_SECONDS", 0.4)
    monkeypatch.setattr(downloads, "MIN_BYTES_PER_SECOND", SIZE * 4)
    with dial(port, ATTACKER) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        received = 0

        def read_slowly() -> bool:
            nonlocal received
            received += len(client.recv(1_000))
            return not server.addresses

        wait_until(read_slowly, 10)

    assert 0 < received < SIZE
