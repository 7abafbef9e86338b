"""The client of the command, against a server that fails as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from project.cli import client
from project.cli.client import ApiClient
from project.cli.outcomes import ApiRefused, ApiUnreachable

LOST = b""
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
LATER = b"HTTP/1.1 429 Later\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"
OTHER = b'HTTP/1.1 400 Bad\r\nContent-Length: 16\r\n\r\n{"errors":["x"]}'
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"


class Server(ThreadingHTTPServer):
    """Answers each request with the next of ``answers``, the last one again and again."""

    answers: list[bytes]
    requests: list[tuple[str, str, str | None]]


class Handler(BaseHTTPRequestHandler):
    """Notes a request, writes raw bytes and closes."""

    server: Server

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, self.headers["Idempotency-Key"]))
        answers = self.server.answers
        self.wfile.write(answers.pop(0) if len(answers) > 1 else answers[0])
        self.close_connection = True

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is declared
        pass


@contextmanager
def serve(*answers: bytes) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers, server.requests = list(answers), []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES_SECONDS", (0.0, 0.01, 0.01, 0.01, 0.01))


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_lost_post_is_repeated_under_the_same_key() -> None:
    with serve(LOST, CUT, BUSY, FINE) as server:
        answer = ApiClient(url_of(server)).post("/reports", body={"a": 1})

    assert answer == {}
    assert len(server.requests) == 4
    assert len({key for _, _, key in server.requests}) == 1
    assert server.requests[0][2]


def test_two_posts_have_different_keys() -> None:
    with serve(FINE) as server:
        api = ApiClient(url_of(server))
        api.post("/reports", body={})
        api.post("/reports", body={})

    assert len({key for _, _, key in server.requests}) == 2


def test_a_request_is_repeated_five_times_at_most() -> None:
    with serve(LOST) as server, pytest.raises(ApiUnreachable, match="does not answer"):
        ApiClient(url_of(server)).post("/reports", body={})

    assert len(server.requests) == 6


def test_a_request_is_not_repeated_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REPEAT_SECONDS", 0.0)

    with serve(LOST) as server, pytest.raises(ApiUnreachable):
        ApiClient(url_of(server)).get("/queues")

    assert len(server.requests) == 1


def test_a_pause_that_the_api_asks_for_is_not_cut_short() -> None:
    with serve(LATER) as server, pytest.raises(ApiRefused):
        ApiClient(url_of(server)).get("/queues")

    assert len(server.requests) == 1


def test_a_busy_api_refuses_in_the_end() -> None:
    with serve(BUSY) as server, pytest.raises(ApiRefused) as refused:
        ApiClient(url_of(server)).get("/queues")

    assert refused.value.problem["status"] == 503


@pytest.mark.parametrize(
    ("answer", "error"), [(PAGE, ApiUnreachable), (MOVED, ApiRefused), (OTHER, ApiRefused)]
)
def test_what_is_not_the_api_is_told_and_not_followed(
    answer: bytes, error: type[Exception]
) -> None:
    with serve(answer) as server, pytest.raises(error, match="is this the API"):
        ApiClient(url_of(server)).get("/queues")

    assert len(server.requests) == 1


def test_an_id_is_one_segment_below_the_path_of_the_url() -> None:
    with serve(FINE) as server:
        ApiClient(f"{url_of(server)}/jobs/").get(
            "/tasks", "a/b?c", query={"tag": "x y", "kind": None}
        )

    assert [path for _, path, _ in server.requests] == ["/jobs/tasks/a%2Fb%3Fc?tag=x+y"]
