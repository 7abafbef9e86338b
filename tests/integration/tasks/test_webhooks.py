"""Calls to real servers on loopback that misbehave at chosen moments, and by a real worker.

The servers listen on ``LISTEN_ADDRESS``, which the tests allow. ``ELSEWHERE`` is as internal as
it is
to everybody: who gets a connection there has been let in.
"""

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from project.errors import InvalidField, PermanentError, TransientError
from project.records.record import TaskRecord
from project.settings.groups import forget_settings
from tasks.webhooks import call_arguments, call_webhook, calls, connection
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    OK_RESPONSE,
    HttpPlan,
    ReceivedRequest,
    ScriptedHttpHandler,
    ScriptedHttpServer,
    build_response,
    respond_with,
)

ELSEWHERE = "127.0.0.1"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SECRETS = ("Bearer-of-secrets", "query-of-secrets", "body-of-secrets")


Start = Callable[..., ScriptedHttpServer]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda *about: stack.enter_context(ScriptedHttpServer(*about))


@pytest.fixture
def server(start: Start) -> ScriptedHttpServer:
    return start()


@pytest.fixture
def elsewhere(start: Start) -> ScriptedHttpServer:
    return start(ELSEWHERE)


@pytest.fixture(autouse=True)
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_to(text: str) -> None:
        monkeypatch.setenv("CONTINUO_WEBHOOK_ALLOW", text)
        forget_settings()

    set_to(f"{LISTEN_ADDRESS}/32")
    yield set_to
    monkeypatch.undo()
    forget_settings()


def make_call(url: str, **said: Any) -> dict[str, Any]:
    return calls.make_call(call_arguments.check_call(url=url, **said), "the-id")


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
        "User-Agent": "continuo",
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


def test_a_compressed_answer_is_not_decompressed(server: ScriptedHttpServer) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)

    server.plan = respond_with(build_response(200, bomb, Content_Encoding="gzip"))

    assert "xxx" not in make_call(server.url)["body"]
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    server: ScriptedHttpServer, elsewhere: ScriptedHttpServer, status: int
) -> None:
    server.plan = respond_with(build_response(status, Location=elsewhere.url))

    with pytest.raises(PermanentError, match=f"answered {status}"):
        make_call(server.url)

    assert make_call(server.url, expect=[status])["status"] == status
    assert elsewhere.connections == 0


def test_a_proxy_in_the_environment_is_not_used(
    server: ScriptedHttpServer, elsewhere: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)

    make_call(server.url)

    assert (server.connections, elsewhere.connections) == (1, 0)


LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",  # noqa: S104 - it reaches this machine
    "127.0.0.1.",
    "user@127.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "\uff11\uff12\uff17.0.0.1",
    "localhost.",
    "localhost",
    "LOCALHOST",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_connects(elsewhere: ScriptedHttpServer, host: str) -> None:
    with pytest.raises((InvalidField, PermanentError)):
        make_call(f"http://{host}:{elsewhere.port}/")
    assert elsewhere.connections == 0


def test_an_allowed_host_name_is_called(
    elsewhere: ScriptedHttpServer, allow: Callable[[str], None]
) -> None:
    allow("localhost")
    assert make_call(f"http://localhost:{elsewhere.port}/")["status"] == 200
    assert elsewhere.requests[0].headers["Host"] == f"localhost:{elsewhere.port}"


def test_a_host_name_that_changes_its_address_is_not_followed(
    server: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, places = socket.getaddrinfo, [LISTEN_ADDRESS, ELSEWHERE, ELSEWHERE]

    def look_up(host: str, *about: Any, **more: Any) -> Any:
        return real(places.pop(0) if host == "rebind.example.com" else host, *about, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with socket.create_server((ELSEWHERE, server.port)) as other:
        other.settimeout(0)
        assert make_call(f"http://rebind.example.com:{server.port}/")["status"] == 200
        with pytest.raises(BlockingIOError):
            other.accept()

    assert server.requests[0].headers["Host"] == f"rebind.example.com:{server.port}"
    assert places == [ELSEWHERE, ELSEWHERE]


def test_the_second_address_is_tried_when_the_first_does_not_answer(
    server: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch, allow: Callable[[str], None]
) -> None:
    allow("two.example.com")
    real = socket.getaddrinfo

    def look_up(host: str, *about: Any, **more: Any) -> Any:
        hosts = ["127.0.0.3", LISTEN_ADDRESS] if host == "two.example.com" else [host]
        return [place for one in hosts for place in real(one, *about, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    assert make_call(f"http://two.example.com:{server.port}/")["status"] == 200


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
        timeout=30,
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


def repeats(status: int) -> HttpPlan:
    """An answer that says all that was asked, as it was and as JSON."""

    def repeat(talk: ScriptedHttpHandler, request: ReceivedRequest) -> None:
        told = {"line": request.line, "headers": request.headers, "body": request.body.decode()}
        body = json.dumps(told).encode() + request.raw
        talk.send(build_response(status, body, Server=request.headers["Authorization"]))

    return repeat


def repeats_raw(talk: ScriptedHttpHandler, request: ReceivedRequest) -> None:
    """The request itself in place of an answer."""
    talk.send(request.raw)


def with_secrets(server: ScriptedHttpServer) -> dict[str, Any]:
    """A call that says a secret wherever there is place for one."""
    header, query, body = SECRETS
    return {
        "url": f"{server.url}?token={query}",
        "headers": {"Authorization": f"Basic {header}"},
        "body": {"password": body},
    }


@pytest.mark.parametrize(
    "plan", [repeats(200), repeats(404), repeats(503), repeats_raw], ids=["ok", "4xx", "5xx", "raw"]
)
def test_secrets_that_the_server_repeats_are_not_in_the_record(
    server: ScriptedHttpServer, plan: HttpPlan
) -> None:
    server.plan = plan

    try:
        said = json.dumps(make_call(**with_secrets(server)))
    except (PermanentError, TransientError) as error:
        said = "".join(traceback.format_exception(error))

    assert server.requests
    assert [secret for secret in SECRETS if secret in said] == []


# by a worker


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """It tells all it can, to see that no secret is among it."""
    return worker_pool.start(
        "--loglevel=DEBUG", CONTINUO_WEBHOOK_ALLOW=f"{LISTEN_ADDRESS}/32"
    ).ready()


def order(**said: Any) -> str:
    job_id: str = call_webhook.apply_async(kwargs=said).id
    return job_id


def wait_for(inspector: JobInspector, record: TaskRecord) -> float:
    """The seconds from the end of the last attempt to the next."""
    return (inspector.find_due_time(record.id) or 0) - record.updated_at


def test_a_server_that_recovers_gets_the_call_again_with_the_same_idempotency_key(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(503, b"full"), OK_RESPONSE)
    job_id = order(url=server.url)
    between = inspector.wait_for_attempts(job_id, 1)
    assert "answered 503: full" in between.error
    assert wait_for(inspector, between) == pytest.approx(2, abs=0.1)

    inspector.make_due(job_id)
    done = inspector.wait_until_final(job_id)
    assert (done.status, done.attempts, done.result["body"]) == ("success", 2, "ok")
    assert [request.headers["Idempotency-Key"] for request in server.requests] == [job_id] * 2


@pytest.mark.parametrize(("said", "seconds"), [("120", 120), ("1", 2), ("99999", 3_600)])
def test_retry_after_can_only_lengthen_the_delay(
    worker: WorkerProgram,
    inspector: JobInspector,
    server: ScriptedHttpServer,
    said: str,
    seconds: float,
) -> None:
    server.plan = respond_with(build_response(429, Retry_After=said), OK_RESPONSE)
    job_id = order(url=server.url)
    between = inspector.wait_for_attempts(job_id, 1)
    assert between.status == "retrying"
    assert wait_for(inspector, between) == pytest.approx(seconds, abs=0.5)

    inspector.make_due(job_id)
    assert inspector.wait_until_final(job_id).status == "success"


def test_a_server_that_always_sends_retry_after_gets_the_usual_attempts(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(429, Retry_After="60"))
    job_id = order(url=server.url)

    for attempt in (1, 2):
        inspector.wait_for_attempts(job_id, attempt)
        inspector.make_due(job_id)
    last = inspector.wait_until_final(job_id)

    assert (last.status, last.attempts, server.connections) == ("failed", 3, 3)
    assert last.error.startswith("Traceback")
    assert "answered 429" in last.error


def test_a_refusal_is_final(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(422, b"no such customer"))
    last = inspector.wait_until_final(order(url=server.url))

    assert (last.status, last.attempts) == ("failed", 1)
    assert "answered 422: no such customer" in last.error


def test_a_host_name_with_an_internal_address_fails_for_good_without_a_connection(
    worker: WorkerProgram, inspector: JobInspector, elsewhere: ScriptedHttpServer
) -> None:
    last = inspector.wait_until_final(order(url=f"http://localhost:{elsewhere.port}/"))
    assert (last.status, last.attempts, elsewhere.connections) == ("failed", 1, 0)
    assert "localhost is not on the public internet" in last.error


def test_an_invalid_call_fails_for_good(worker: WorkerProgram, inspector: JobInspector) -> None:
    last = inspector.wait_until_final(order(url="http://127.1/", method="POST"))
    assert (last.status, last.attempts) == ("failed", 1)
    assert "url: its host must be a name" in last.error


@pytest.mark.parametrize("status", [200, 404, 503])
def test_secrets_are_in_no_record_and_no_log(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer, status: int
) -> None:
    server.plan = repeats(status)
    job_id = order(**with_secrets(server))
    record = inspector.wait_for_attempts(job_id, 1)

    said = [json.dumps(record.to_dict()), worker.output]

    assert server.requests
    assert [secret for secret in SECRETS for text in said if secret in text] == []


def test_secrets_are_not_in_the_readable_part_of_messages(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(503))
    said = with_secrets(server)
    job_id = order(**said)
    inspector.wait_for_attempts(job_id, 1)
    again = str(inspector.redis.hget(f"continuo:job:{job_id}", "message"))
    for message in (call_webhook.message(kwargs=said).text, again):
        headers = json.loads(message)["headers"]
        assert [secret for secret in SECRETS if secret in json.dumps(headers)] == []
        assert headers["kwargsrepr"]


def test_secrets_are_not_in_what_a_worker_reports_about_a_running_job(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    asked = threading.Event()

    def think(talk: ScriptedHttpHandler, _: ReceivedRequest) -> None:
        asked.set()
        talk.drip(b"")

    server.plan = think
    order(**with_secrets(server), timeout=30)
    assert asked.wait(15)

    active = repr(inspector.app.control.inspect(timeout=5, limit=1).active())
    assert "webhook" in active
    assert [secret for secret in SECRETS if secret in active] == []
