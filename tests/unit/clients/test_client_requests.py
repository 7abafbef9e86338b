"""What the Python clients repeat, send and raise, against a server that answers as it is told."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from continuo_client import (
    AsyncClient,
    Client,
    Conflict,
    Gone,
    InvalidOrder,
    NotTheApi,
    Order,
    TooManyRequests,
    Unavailable,
    Unreachable,
    requests,
)
from continuo_client.async_workflows import AsyncBatches, AsyncWorkflows
from continuo_client.events import parse_events
from continuo_client.workflows import Batches, Workflows

from tests.support.clients.blocking import MAKERS
from tests.support.ports import find_free_port
from tests.support.servers.file_plans import serve_file
from tests.support.servers.scripted_http import (
    HttpPlan,
    ScriptedHttpServer,
    build_response,
    respond_with,
)

LOST = b""
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"
BUSY = build_response(503, b'{"status": 503, "title": "Busy", "detail": "later"}')
RECORD = {"id": "a/b", "status": "success", "result": 1}
FINE = build_response(200, msgspec.json.encode(RECORD))
CONTENT = bytes(range(256)) * 40


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Any:
    return MAKERS[request.param]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MIN_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(requests, "MAX_PAUSE_SECONDS", 0.02)


@contextmanager
def serve(*answers: bytes, plan: HttpPlan | None = None) -> Iterator[ScriptedHttpServer]:
    with ScriptedHttpServer("127.0.0.1") as server:
        server.plan = plan or respond_with(*answers)
        yield server


def list_keys(server: ScriptedHttpServer) -> list[str | None]:
    return [each.headers.get("Idempotency-Key") for each in server.requests]


def problem(status: int, **more: Any) -> bytes:
    document = {"status": status, "title": "No", "detail": "not so", "request_id": "r"} | more
    return build_response(status, msgspec.json.encode(document))


def test_a_lost_order_is_repeated_under_the_same_key(make: Any) -> None:
    with serve(LOST, CUT, BUSY, FINE) as server, make(server.url) as client:
        record = client.order("report", {"type": "summary"}, tags=["a"])

    assert record == RECORD
    assert len(server.requests) == 4
    assert len(set(list_keys(server))) == 1
    assert list_keys(server)[0]
    assert {each.body for each in server.requests} == {b'{"type":"summary","tags":["a"]}'}


def test_two_orders_have_different_keys_unless_they_are_given(make: Any) -> None:
    with serve(FINE) as server, make(server.url) as client:
        client.order("report")
        client.order("report")
        client.order("report", idempotency_key="mine")

    first, second, third = list_keys(server)
    assert first != second
    assert third == "mine"


def test_an_order_is_not_repeated_after_its_time(make: Any) -> None:
    with (
        serve(LOST) as server,
        make(server.url, retry_seconds=0) as client,
        pytest.raises(Unreachable) as raised,
    ):
        client.order("report")

    assert len(server.requests) == 1
    assert raised.value.may_have_acted


def test_nobody_at_the_address_cannot_have_acted(make: Any) -> None:
    with (
        make(f"http://127.0.0.1:{find_free_port()}", retry_seconds=0.05) as client,
        pytest.raises(Unreachable, match="the API does not answer: ") as raised,
    ):
        client.order("report")

    assert not raised.value.may_have_acted


def test_orders_in_bulk_are_repeated_under_one_key(make: Any) -> None:
    with serve(LOST, build_response(200, b'{"tasks":[]}')) as server, make(server.url) as client:
        assert client.order_many([Order("report", {"type": "a"})]) == []

    one, other = list_keys(server)
    assert one == other != ""
    assert server.requests[1].body == b'{"tasks":[{"kind":"report","type":"a"}]}'


def test_a_call_of_any_route_is_not_repeated_when_it_may_have_arrived(make: Any) -> None:
    with (
        serve(LOST, FINE) as server,
        make(server.url) as client,
        pytest.raises(Unreachable) as raised,
    ):
        client.call("POST", "/tasks/bulk", body={"tasks": []})

    assert raised.value.may_have_acted
    assert [each.body for each in server.requests] == [b'{"tasks":[]}']


def test_a_pause_that_the_api_asks_for_is_not_cut_short(make: Any) -> None:
    later = problem(429).replace(b"\r\n\r\n", b"\r\nRetry-After: 3600\r\n\r\n")

    with serve(later) as server, make(server.url) as client, pytest.raises(TooManyRequests):
        client.queues()

    assert len(server.requests) == 1


def test_a_busy_api_refuses_in_the_end(make: Any) -> None:
    with (
        serve(BUSY) as server,
        make(server.url, retry_seconds=0.05) as client,
        pytest.raises(Unavailable),
    ):
        client.queues()

    assert len(server.requests) > 1


def test_a_refused_order_has_every_wrong_field(make: Any) -> None:
    errors = [{"pointer": "/a", "detail": "is missing"}, {"field": "b", "detail": "is odd"}]

    with (
        serve(problem(422, errors=errors)) as server,
        make(server.url) as client,
        pytest.raises(InvalidOrder, match="/a: is missing; b: is odd") as raised,
    ):
        client.order("report")

    assert [each.field for each in raised.value.errors] == ["/a", "b"]
    assert (raised.value.status, raised.value.request_id) == (422, "r")


@pytest.mark.parametrize(
    "answer",
    [
        build_response(200, b"<html>"),
        build_response(302, Location="http://127.0.0.1:9/"),
        build_response(400, b'{"errors":["x"]}'),
    ],
    ids=["a page", "a redirect", "no problem document"],
)
def test_what_is_not_the_api_is_told_and_not_followed(make: Any, answer: bytes) -> None:
    with (
        serve(answer) as server,
        make(server.url) as client,
        pytest.raises(NotTheApi, match="is this the API"),
    ):
        client.queues()

    assert len(server.requests) == 1


def test_an_id_is_one_segment_below_the_path_of_the_url(make: Any) -> None:
    with serve(FINE) as server, make(f"{server.url}jobs/", key="secret") as client:
        client.get("a/b?c")

    (request,) = server.requests
    assert request.line == "GET /jobs/tasks/a%2Fb%3Fc HTTP/1.1"
    assert request.headers["X-API-Key"] == "secret"


def test_a_cancel_whose_answer_was_lost_is_a_success(make: Any) -> None:
    cancelled = problem(409, task=RECORD | {"status": "cancelled"})
    ended = problem(409, task=RECORD)

    with serve(LOST, cancelled, ended) as server, make(server.url) as client:
        assert client.cancel("1")["status"] == "cancelled"
        with pytest.raises(Conflict):
            client.cancel("1")


def test_events_continue_after_a_lost_connection(make: Any) -> None:
    change = b'id: 5-1\ndata: {"status":"running"}\n\n'
    end = b'event: end\ndata: {"id":"\xc3\xa4: \xe2\x80\xa8b"}\n\n'
    answers = [build_response(200, b"retry: 0\n\n" + each) for each in (change, end)]

    with serve(answers[0], LOST, answers[1]) as server, make(server.url) as client:
        events = list(client.follow("1"))

    assert [(each.name, each.id) for each in events] == [("change", "5-1"), ("end", "")]
    assert events[1].data == {"id": "ä: \u2028b"}
    told = [each.headers.get("Last-Event-ID") for each in server.requests]
    assert told == [None, "5-1", "5-1"]


@pytest.mark.parametrize(
    ("head", "seconds"),
    [("retry: 500", 0.5), ("retry: 0", 0.05), ("", 0.05), ("retry: 999999", 10)],
)
def test_the_pause_between_events_is_what_the_api_asks_for_within_bounds(
    head: str, seconds: float
) -> None:
    assert parse_events(f"{head}\n\n: Redis is away\n\nid: 6-0\n\n") == ([], "6-0", seconds)


def test_a_download_continues_where_it_was_cut(make: Any, tmp_path: Path) -> None:
    with (
        serve(plan=serve_file(CONTENT, cut_after=4_000)) as server,
        make(server.url, "key") as client,
    ):
        path = client.download(f"{server.url}artifacts/1", tmp_path / "report.pdf")

    assert path.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["report.pdf"]
    asked = [each.headers.get("Range") for each in server.requests]
    assert asked == [None, "bytes=4000-", "bytes=8000-"]
    assert all("X-API-Key" not in each.headers for each in server.requests)


@pytest.mark.parametrize(("tag", "starts"), [('"one"', ["bytes=4000-"]), ('"other"', [])])
def test_the_next_call_continues_the_same_content_only(
    make: Any, tmp_path: Path, tag: str, starts: list[str]
) -> None:
    (tmp_path / "a.part").write_bytes(CONTENT[:4_000])
    (tmp_path / "a.part.etag").write_text(tag)

    with serve(plan=serve_file(CONTENT, cut_after=99_999)) as server, make(server.url) as client:
        client.download(server.url, str(tmp_path / "a"))

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert (server.sent_bytes < len(CONTENT)) == bool(starts)


@pytest.mark.parametrize(
    ("tag", "told"),
    [('"two"', "bytes 100-101/102"), ('"one"', "bytes 7-8/102"), ('"one"', "")],
    ids=["other content", "other place", "no place"],
)
def test_another_part_than_asked_for_is_thrown_away(
    make: Any, tmp_path: Path, tag: str, told: str
) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 100)
    (tmp_path / "a.part.etag").write_text('"one"')
    wrong = build_response(206, b"zz", ETag=tag, Content_Range=told)
    whole = build_response(200, b"whole", ETag='"one"')

    with serve(wrong, whole) as server, make(server.url) as client:
        client.download(server.url, tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == b"whole"


def test_a_part_that_is_longer_than_the_file_is_dropped(make: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 100)
    (tmp_path / "a.part.etag").write_text('"one"')
    whole = build_response(200, b"whole", ETag='"one"')

    with serve(build_response(416), whole) as server, make(server.url) as client:
        client.download(server.url, tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == b"whole"


def test_a_download_without_progress_ends_and_keeps_its_part(make: Any, tmp_path: Path) -> None:
    with (
        serve(plan=serve_file(CONTENT, cut_after=0)) as server,
        make(server.url, retry_seconds=0.1) as client,
        pytest.raises(Unreachable),
    ):
        client.download(server.url, tmp_path / "a")

    assert not (tmp_path / "a").exists()


def test_an_old_link_is_gone(make: Any, tmp_path: Path) -> None:
    with serve(problem(410)) as server, make(server.url) as client, pytest.raises(Gone):
        client.download(server.url, tmp_path / "a")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("localhost", ""),
        ("ftp://a", ""),
        ("http://me:word@a", ""),
        ("http://a?b", ""),
        ("http://a", "two words"),
        ("http://a", "ä"),
        ("http://a", "a\n"),
    ],
)
def test_a_wrong_url_or_key_is_refused_without_repeating_the_key(
    make: Any, url: str, key: str
) -> None:
    with pytest.raises(ValueError, match=r"the URL|an API key") as raised:
        make(url, key)

    assert not key or key not in str(raised.value)


def test_both_clients_have_the_same_methods() -> None:
    def describe(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in methods
            if not name.startswith("__")
        }

    assert describe(AsyncClient) == describe(Client)
    assert describe(AsyncWorkflows) == describe(Workflows)
    assert describe(AsyncBatches) == describe(Batches)
