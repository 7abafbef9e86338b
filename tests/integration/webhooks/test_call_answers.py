"""Calls to real servers, and what is read from their answers."""

import gzip
import socket

import pytest

from project.errors import TransientError
from project.version import read_version
from tasks.webhooks import call_arguments
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    OK_RESPONSE,
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.webhook_calls import CHUNKED, make_call


def test_a_call_arrives_as_ordered_and_its_answer_is_kept(
    server: ScriptedHttpServer,
) -> None:
    server.plan = respond_with(
        build_response(201, b'{"id": 7}', Content_Type="application/json", Set_Cookie="a")
    )

    result = make_call(
        f"{server.url}v1/things?a=b%20c",
        method="PUT",
        headers={"Authorization": "Bearer abc"},
        body={"name": "Ada"},
    )
    (request,) = server.requests

    assert request.line == "PUT /v1/things?a=b%20c HTTP/1.1"
    assert request.body == b'{"name":"Ada"}'
    assert request.headers == {
        "Host": f"{LISTEN_ADDRESS}:{server.port}",
        "User-Agent": f"continuo/{read_version()}",
        "Idempotency-Key": "the-id",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": "14",
        "Content-Type": "application/json",
        "Authorization": "Bearer abc",
    }
    assert 0 <= result.pop("seconds") < 10
    assert result == {
        "status": 201,
        "headers": {"content-type": "application/json"},
        "body": '{"id": 7}',
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_is_sent(server: ScriptedHttpServer, method: str) -> None:
    assert make_call(server.url, method=method)["body"] == ("" if method == "HEAD" else "ok")
    assert server.requests[0].line == f"{method} / HTTP/1.1"


def test_a_large_body_arrives_whole(server: ScriptedHttpServer) -> None:
    body = "x" * call_arguments.MAX_BODY_BYTES
    assert make_call(server.url, body=body)["status"] == 200
    assert server.requests[0].body == body.encode()


ANSWERS = {
    "no length": (b"HTTP/1.1 200 OK\r\n\r\nhello", "hello"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"),
    "chunks": (
        CHUNKED + b"2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n",
        "hello",
    ),
    "continue first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK_RESPONSE, "ok"),
    "early hints first": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n" * 3 + OK_RESPONSE,
        "ok",
    ),
    "processing first": (b"HTTP/1.1 102 Processing\r\n\r\n" + OK_RESPONSE, "ok"),
    "500 headers": (
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"Content-Length: 2\r\n\r\nok",
        "ok",
    ),
    "trailers": (CHUNKED + b"2\r\nok\r\n0\r\n" + b"Digest: a\r\n" * 200 + b"\r\n", "ok"),
    "a folded header": (
        b"HTTP/1.1 200 OK\r\nA: b\r\n Content-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        "ok",
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    "bytes that are no text": (build_response(200, b"a\xff\x00b"), "a\ufffd\x00b"),
    "a length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", "hello"),
}


@pytest.mark.parametrize(("said", "body"), ANSWERS.values(), ids=ANSWERS)
def test_every_valid_form_of_an_answer_is_read(
    server: ScriptedHttpServer, said: bytes, body: str
) -> None:
    server.plan = respond_with(said)
    assert make_call(server.url)["body"] == body


BROKEN = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no status": b"HTTP/1.1 fine\r\n\r\n",
    "a status out of range": b"HTTP/1.1 20 OK\r\n\r\n",
    "another version": b"HTTP/3.0 200 OK\r\n\r\n",
    "less than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "half a chunk": CHUNKED + b"9\r\nhel",
    "chunks without sizes": CHUNKED + b"hello\r\n",
    "too many bytes of headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 11_000 + b"\r\n",
    "hints without an answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_retried(server: ScriptedHttpServer, said: bytes) -> None:
    server.plan = respond_with(said)
    with pytest.raises(TransientError, match=f"{LISTEN_ADDRESS}:{server.port}"):
        make_call(server.url)


def test_a_closed_port_is_retried() -> None:
    with socket.create_server((LISTEN_ADDRESS, 0)) as held:
        port = held.getsockname()[1]

    with pytest.raises(TransientError, match="Connection refused"):
        make_call(f"http://{LISTEN_ADDRESS}:{port}/")


def test_an_unknown_host_name_is_retried() -> None:
    with pytest.raises(TransientError, match=r"http://nobody.invalid failed"):
        make_call("http://nobody.invalid/")


def test_a_compressed_answer_is_not_decompressed(server: ScriptedHttpServer) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)

    server.plan = respond_with(build_response(200, bomb, Content_Encoding="gzip"))

    assert "xxx" not in make_call(server.url)["body"]
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
