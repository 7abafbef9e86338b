"""Calls to servers that answer slowly or without end."""

import socket
import time

import pytest

from project.errors import TransientError
from tasks.webhooks import calls
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    ReceivedRequest,
    ScriptedHttpHandler,
    ScriptedHttpServer,
)
from tests.support.webhook_calls import CHUNKED, make_call

DRIPS = {
    "silence": (b"", b""),
    "a status line": (b"HTTP/1.1 200 ", b"x"),
    "a header": (b"HTTP/1.1 200 OK\r\nA: ", b"x"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "a body without a length": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "a chunk": (CHUNKED + b"FFFF\r\n", b"x"),
    "a trailer": (CHUNKED + b"0\r\nA: ", b"x"),
}


@pytest.mark.parametrize(("head", "more"), DRIPS.values(), ids=DRIPS)
def test_a_slow_answer_ends_at_the_timeout(
    server: ScriptedHttpServer, head: bytes, more: bytes
) -> None:
    def drip(talk: ScriptedHttpHandler, _: ReceivedRequest) -> None:
        talk.send(head)
        talk.drip(more)

    server.plan = drip
    began = time.monotonic()
    with pytest.raises(TransientError, match="took longer than 1 s"):
        make_call(server.url, timeout=1)

    assert 0.9 < time.monotonic() - began < 2


def test_a_server_that_does_not_read_ends_at_the_timeout(server: ScriptedHttpServer) -> None:
    with socket.create_server((LISTEN_ADDRESS, 0), backlog=1) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        began = time.monotonic()
        with pytest.raises(TransientError, match="took longer than 1 s"):
            make_call(
                f"http://{LISTEN_ADDRESS}:{deaf.getsockname()[1]}/", body="x" * 262_144, timeout=1
            )

    assert time.monotonic() - began < 2


BOMBS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 4_096),
    "a body without a length": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4_096),
    "chunks": (
        CHUNKED,
        b"1000\r\n" + b"x" * 4_096 + b"\r\n",
    ),
    "small chunks": (
        CHUNKED,
        b"1\r\nx\r\n" * 1_000,
    ),
    "a large chunk": (
        CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\n",
        b"x" * 4_096,
    ),
}


@pytest.mark.parametrize(("head", "more"), BOMBS.values(), ids=BOMBS)
def test_only_the_start_of_an_endless_answer_is_read(
    server: ScriptedHttpServer, head: bytes, more: bytes
) -> None:
    def burst(talk: ScriptedHttpHandler, _: ReceivedRequest) -> None:
        talk.send(head)
        talk.pour(more)

    server.plan = burst

    assert make_call(server.url)["body"] == "x" * calls.MAX_KEPT_CHARACTERS
    assert server.hung_up.wait(10)
    assert server.sent_bytes < 50_000_000  # no more than the socket buffers hold


ENDLESS = {
    "a status line": (b"HTTP/1.1 200 ", b"x" * 4_096),
    "a header": (b"HTTP/1.1 200 OK\r\nA: ", b"x" * 4_096),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


@pytest.mark.parametrize(("head", "more"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_with_an_endless_head_is_an_error(
    server: ScriptedHttpServer, head: bytes, more: bytes
) -> None:
    def burst(talk: ScriptedHttpHandler, _: ReceivedRequest) -> None:
        talk.send(head)
        talk.pour(more)

    server.plan = burst
    with pytest.raises(TransientError, match="did not send a valid HTTP response"):
        make_call(server.url)

    assert server.hung_up.wait(10)
