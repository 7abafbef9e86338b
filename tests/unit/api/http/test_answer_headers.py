"""The headers that an answer gets: security, caching and the request id."""

import re

import cello
import pytest

from api.http.problems import Problem
from api.http.routing import Answer
from tests.support.endpoints import build_failing_handler, build_handler, serve, show_request


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
