import asyncio
import json
import re
from hashlib import sha256
from typing import Any

import cello
import msgspec
import pytest

from api.http import dispatch
from api.http.auth import Keyring
from api.http.cors import Cors
from api.http.dispatch import Dispatcher, Endpoint
from api.http.problems import Problem
from api.http.routing import Answer, Handler, Request, Route
from api.http.shutdown import Drain
from api.http.site import Site
from project.errors import InvalidField, StoreUnavailable
from project.settings.api_keys import ApiKey

KEY = "0123456789abcdef"


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_retries: int = 3


class Filter(msgspec.Struct, frozen=True):
    limit: int = 50


class Reply:
    """What a client would have got."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.text = bytes(response.body()).decode()

    def json(self) -> Any:
        return json.loads(self.text)


def edge(drain: Drain | None = None) -> Dispatcher:
    keys = Keyring({sha256(KEY.encode()).digest(): ApiKey("alice")})
    return Dispatcher(keys, drain or Drain(), max_body=1_000)


def serve(handler: Handler, *, drain: Drain | None = None, **said: Any) -> Reply:
    """Call ``handler`` as a route; ``said`` are the parts of the request and of the route."""
    parts = {name: said.pop(name) for name in ("query", "headers") if name in said}
    content, params = said.pop("content", b""), said.pop("params", {})
    method = said.pop("method", "POST")
    if content:
        parts["headers"] = {"Content-Type": "application/json"} | parts.get("headers", {})
    raw = cello.Request(method, "/things/7", body=content, **parts)
    route = Route(
        method=method, template=said.pop("template", "/things"), handler=handler,
        auth=said.pop("auth", False), body=said.pop("body", None), query=said.pop("shape", None),
        admit=said.pop("admit", None),
    )  # fmt: skip
    endpoint = Endpoint(route, edge(drain))
    return Reply(asyncio.run(endpoint.serve(raw, params)))


async def show_request(request: Request) -> Answer:
    return Answer({"id": request.id, "key": request.api_key.name, "params": request.params})


def build_failing_handler(error: BaseException) -> Handler:
    async def fail(_: Request) -> Answer:
        raise error

    return fail


def build_handler(answer: Any) -> Handler:
    async def give(_: Request) -> Any:
        return answer

    return give


def test_a_value_is_encoded_as_json() -> None:
    reply = serve(build_handler(Answer(Order(5), status=202, headers={"Location": "/x"})))

    assert (reply.status, reply.json()) == (202, {"max_retries": 5})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["location"] == "/x"


def test_text_is_sent_unchanged() -> None:
    assert serve(build_handler(Answer('{"a":1.0}'))).text == '{"a":1.0}'


def test_every_answer_has_the_security_headers() -> None:
    for handler in (show_request, build_failing_handler(Problem(404, "no"))):
        assert serve(handler).headers["referrer-policy"] == "no-referrer"
    for reply in (
        serve(show_request),
        serve(build_failing_handler(RuntimeError())),
        serve(show_request, auth=True),
    ):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])


def test_a_page_can_do_only_what_its_own_policy_allows() -> None:
    page = "text/html; charset=utf-8"
    strict = serve(build_handler(Answer("<p>", content_type=page))).headers
    assert "default-src 'none'" in strict["content-security-policy"]

    own = {"Content-Security-Policy": "default-src 'self'"}
    assert (
        serve(build_handler(Answer("<p>", headers=own, content_type=page))).headers[
            "content-security-policy"
        ]
        == "default-src 'self'"
    )
    assert "content-security-policy" not in serve(show_request).headers


def test_the_body_of_a_refused_request_is_not_read() -> None:
    async def refuse(request: Request) -> None:
        request.response_headers["RateLimit"] = "none"
        raise Problem(429, "Too many")

    reply = serve(show_request, body=Order, content=b"{", admit=refuse)

    assert (reply.status, reply.headers["ratelimit"]) == (429, "none")


def test_a_handler_can_override_the_default_headers() -> None:
    reply = serve(build_handler(Answer(1, headers={"Cache-Control": "public"})))
    assert reply.headers["cache-control"] == "public"


def test_a_response_of_cello_keeps_its_own_headers() -> None:
    response = cello.Response.binary(b"%PDF", "application/pdf", 200)
    response.set_header("cache-control", "private")

    reply = serve(build_handler(response))

    assert reply.headers["cache-control"] == "private"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.text == "%PDF"


def test_a_response_of_cello_is_not_cached_unless_it_allows_it() -> None:
    reply = serve(build_handler(cello.Response(body="x")))
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
def test_an_unchanged_answer_is_not_sent_again(known: str) -> None:
    first = serve(build_handler(Answer({"a": 1})), method="GET")
    tag = first.headers["etag"]

    again = serve(
        build_handler(Answer({"a": 1}, headers={"Retry-After": "3"})),
        method="GET",
        headers={"if-none-match": known.format(tag)},
    )

    assert (again.status, again.text) == (304, "")
    assert (again.headers["etag"], again.headers["retry-after"]) == (tag, "3")
    assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"


def test_a_changed_answer_is_sent() -> None:
    tag = serve(build_handler(Answer({"a": 1})), method="GET").headers["etag"]

    changed = serve(build_handler(Answer({"a": 2})), method="GET", headers={"if-none-match": tag})

    assert (changed.status, changed.json()) == (200, {"a": 2})
    assert changed.headers["etag"] != tag


def test_an_answer_to_a_post_has_no_etag() -> None:
    assert "etag" not in serve(build_handler(Answer({"a": 1}, status=202))).headers
    assert "etag" not in serve(build_handler(Answer({"a": 1}))).headers


def test_an_answer_without_content_has_no_etag() -> None:
    reply = serve(build_handler(Answer(status=204)))
    assert (reply.status, reply.text) == (204, "")


@pytest.mark.parametrize("sent", ["abc-123", "A.b_c", "x" * 64])
def test_a_safe_request_id_is_kept(sent: str) -> None:
    reply = serve(show_request, headers={"X-Request-ID": sent})
    assert reply.headers["x-request-id"] == reply.json()["id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "x" * 65, "a\u00e9"])
def test_any_other_request_id_is_replaced(sent: str) -> None:
    reply = serve(show_request, headers={"X-Request-ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])


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


FOREIGN = {"Host": "localhost", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}


def serve_guarded(method: str, headers: dict[str, str], **route: Any) -> int:
    """The status of a route of an API that looks at hosts and pages."""
    shared = Dispatcher(Keyring({}), Drain(), max_body=1_000, site=Site([], Cors()))
    endpoint = Endpoint(Route(method=method, template="/x", handler=show_request, **route), shared)
    raw = cello.Request(method, "/x", headers=headers)
    return int(asyncio.run(endpoint.serve(raw, {})).status)


def test_a_foreign_page_may_read_what_cors_lets_it_but_change_nothing() -> None:
    assert serve_guarded("GET", FOREIGN) == 200
    assert [serve_guarded(method, FOREIGN) for method in ("POST", "PUT", "DELETE")] == [403] * 3


def test_a_signed_link_works_from_every_page() -> None:
    form = FOREIGN | {"Content-Type": "application/x-www-form-urlencoded"}
    assert serve_guarded("POST", form, auth=False) == 200


def test_a_foreign_host_gets_nothing_but_the_health_of_the_process() -> None:
    foreign = {"Host": "evil.example"}
    assert serve_guarded("GET", foreign) == serve_guarded("GET", foreign, auth=False) == 421
    assert serve_guarded("GET", foreign, tags=("health",)) == 200
    assert serve_guarded("GET", {}, tags=("health",)) == 400


def test_a_form_is_refused_where_no_body_is_expected() -> None:
    form = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
    assert serve_guarded("POST", form) == 415
    assert serve_guarded("POST", {"Host": "localhost"}) == 200


def test_the_access_log_has_one_line_per_request(capsys: pytest.CaptureFixture[str]) -> None:
    serve(show_request, auth=True, headers={"X-API-Key": KEY, "X-Request-ID": "r-1"})
    line = json.loads(capsys.readouterr().err)

    assert line.pop("ts") > 1e9
    assert line.pop("ms") >= 0
    assert line == {
        "method": "POST", "route": "/things", "status": 200, "request_id": "r-1", "key": "alice",
    }  # fmt: skip
