"""Ten thousand silent connections: bounded, given up in time, and others are answered."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.support.programs.api_process import ApiProcess, serve_api
from tests.support.waiting import PATIENCE, wait_until

MANY = 10_000
"""As many as an API process takes at once."""

SOME = 9_000
BEGINNING = b"GET / HT"
REQUEST = b"GET /pid HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HEAD_SECONDS = 10
MAX_BYTES = 600 << 20
"""Of the process: some 30 KB for each connection, which the allocator keeps for the next ones."""


@pytest.fixture(scope="module")
def api() -> Iterator[ApiProcess]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY + 1_100:
        pytest.skip("this machine does not allow a process so many connections")
    with serve_api() as process:
        yield process


@contextmanager
def crowd(port: int, count: int) -> Iterator[None]:
    """Open connections that begin a request, and hold them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as stack:
            for _ in range(count):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
                client.sendall(BEGINNING)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(port: int) -> bytes:
    """The status of an answer, "" when the connection is refused."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as client:
            client.sendall(REQUEST)
            return client.recv(100).partition(b" ")[2][:3]
    except ConnectionError:
        return b""


def count_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def read_memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_others_are_answered_beside_thousands_of_silent_connections(api: ApiProcess) -> None:
    with crowd(api.port, SOME):
        started = monotonic()
        answers = [ask(api.port) for _ in range(20)]

        assert answers == [b"200"] * 20
        assert monotonic() - started < 5 * PATIENCE


@pytest.mark.timeout(300)
def test_a_full_process_refuses_at_once_and_recovers_while_the_crowd_stays(api: ApiProcess) -> None:
    pid, empty = api.pid(), count_files(api.pid())
    for _ in range(2):
        with crowd(api.port, MANY):
            started = monotonic()
            ask(api.port)
            assert monotonic() - started < HEAD_SECONDS / 2  # an answer or a refusal, no wait

            wait_until(lambda: ask(api.port) == b"200", HEAD_SECONDS + 10)
            wait_until(lambda: count_files(pid) < empty + 20, HEAD_SECONDS + 10)

    assert api.pid() == pid
    assert read_memory(pid) < MAX_BYTES
