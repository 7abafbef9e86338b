"""What a handler gets, and what becomes of its answer or its exception."""

import asyncio
import json

import pytest

from api.http import dispatch
from api.http.problems import Problem
from api.http.routing import Answer, Request
from api.http.shutdown import Drain
from project.errors import InvalidField, StoreUnavailable
from tests.support.endpoints import (
    KEY,
    Filter,
    Order,
    build_failing_handler,
    build_handler,
    serve,
    show_request,
)


def test_a_value_is_encoded_as_json() -> None:
    reply = serve(build_handler(Answer(Order(5), status=202, headers={"Location": "/x"})))

    assert (reply.status, reply.json()) == (202, {"max_retries": 5})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["location"] == "/x"


def test_text_is_sent_unchanged() -> None:
    assert serve(build_handler(Answer('{"a":1.0}'))).text == '{"a":1.0}'


def test_the_body_of_a_refused_request_is_not_read() -> None:
    async def refuse(request: Request) -> None:
        request.response_headers["RateLimit"] = "none"
        raise Problem(429, "Too many")

    reply = serve(show_request, body=Order, content=b"{", admit=refuse)

    assert (reply.status, reply.headers["ratelimit"]) == (429, "none")


def test_the_handler_gets_the_identity_of_the_caller() -> None:
    assert serve(show_request, auth=True, headers={"X-API-Key": KEY}).json()["key"] == "alice"


def test_a_request_without_a_key_does_not_reach_the_handler() -> None:
    reply = serve(build_failing_handler(AssertionError("reached")), auth=True)
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="continuo"'


def test_a_request_without_a_key_learns_nothing_about_its_body() -> None:
    reply = serve(show_request, auth=True, body=Order, content=b"not json")
    assert reply.status == 401


def test_the_handler_gets_the_path_parameters() -> None:
    reply = serve(show_request, template="/things/{id}", params={"id": "7"})
    assert reply.json()["params"] == {"id": "7"}


def test_body_and_query_arrive_typed() -> None:
    async def echo(_: Request, body: Order, query: Filter) -> Answer:
        return Answer([body, query])

    reply = serve(
        echo, body=Order, shape=Filter, content=b'{"max_retries": 1}', query={"limit": "2"}
    )

    assert reply.json() == [{"max_retries": 1}, {"limit": 2}]


def test_an_invalid_body_is_422_and_an_invalid_query_is_400() -> None:
    assert serve(show_request, body=Order, content=b'{"max_retries": "x"}').status == 422
    assert serve(show_request, shape=Filter, query={"limit": "x"}).status == 400


def test_an_error_is_a_problem_document_about_this_request() -> None:
    reply = serve(build_failing_handler(InvalidField("filters.month", "use YYYY-MM")), body=None)
    assert reply.headers["content-type"] == "application/problem+json"

    document = reply.json()
    assert document["instance"] == "/things/7"
    assert document["request_id"] == reply.headers["x-request-id"]
    assert document["errors"] == [{"field": "filters.month", "detail": "use YYYY-MM"}]


def test_an_invalid_field_is_422_where_there_is_a_body_else_400() -> None:
    async def refuse(_: Request, body: Order | None = None) -> Answer:
        raise InvalidField("a", f"no {body}")

    assert serve(refuse, body=Order, content=b"{}").status == 422
    assert serve(refuse).status == 400


def test_an_unavailable_store_is_503_and_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = serve(build_failing_handler(StoreUnavailable("connection refused")))
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")

    (record,) = caplog.records
    assert not record.exc_info


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2"),
        SystemExit(1),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        TimeoutError("a timeout of the handler's own"),
    ],
)
def test_an_unexpected_exception_is_500_and_only_the_log_has_the_traceback(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    reply = serve(build_failing_handler(error))
    assert reply.status == 500
    assert "hunter2" not in reply.text

    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[1] is error


def test_a_value_that_cannot_be_encoded_is_500() -> None:
    assert serve(build_handler(Answer(object()))).status == 500


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "é"])
def test_a_header_that_would_break_the_answer_is_500(value: str) -> None:
    reply = serve(build_handler(Answer(1, headers={"Location": value})))
    assert reply.status == 500
    assert "location" not in reply.headers


def test_a_handler_that_takes_too_long_is_cancelled_and_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "ANSWER_SECONDS", 0.01)
    cancelled = []

    async def wait(_: Request) -> Answer:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return Answer()

    assert serve(wait).status == 503
    assert cancelled


def test_requests_are_counted_while_they_are_handled() -> None:
    drain = Drain()
    seen = []

    async def look(_: Request) -> Answer:
        seen.append(drain.in_flight)
        return Answer()

    serve(look, drain=drain)
    serve(build_failing_handler(SystemExit()), drain=drain)

    assert (seen, drain.in_flight) == ([1], 0)


def test_a_process_that_shuts_down_asks_clients_to_reconnect() -> None:
    drain = Drain()
    assert "connection" not in serve(show_request, drain=drain).headers

    drain.started.set()
    assert serve(show_request, drain=drain).headers["connection"] == "close"


def test_the_access_log_has_one_line_per_request(capsys: pytest.CaptureFixture[str]) -> None:
    serve(show_request, auth=True, headers={"X-API-Key": KEY, "X-Request-ID": "r-1"})
    line = json.loads(capsys.readouterr().err)

    assert line.pop("ts") > 1e9
    assert line.pop("ms") >= 0
    assert line == {
        "method": "POST", "route": "/things", "status": 200, "request_id": "r-1", "key": "alice",
    }  # fmt: skip
