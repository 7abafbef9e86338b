"""What goes over the wire, from a real server."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from time import perf_counter
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.programs.api_process import TIMEOUT_SECONDS, ApiProcess, serve_api

LIMIT = 1_000
KEY = "0123456789abcdef"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def api() -> Iterator[ApiProcess]:
    with serve_api(CONTINUO_MAX_BODY_BYTES=str(LIMIT)) as process:
        yield process


@pytest.fixture(scope="module")
def client(api: ApiProcess) -> Iterator[httpx2.Client]:
    with api.client() as client:
        yield client


@pytest.fixture(scope="module")
def wire(api: ApiProcess) -> Iterator[HTTPConnection]:
    """A connection that sends paths as they are."""
    with closing(HTTPConnection("127.0.0.1", api.port, timeout=TIMEOUT_SECONDS)) as connection:
        yield connection


def problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    return document


def test_an_order_gets_an_answer(client: httpx2.Client) -> None:
    response = client.post("/orders", json={"max_retries": 5})

    assert response.status_code == 202
    assert response.json() == {"type": "summary", "max_retries": 5}
    assert response.headers["cache-control"] == "no-store"


def test_a_path_parameter_is_decoded(client: httpx2.Client) -> None:
    assert client.get("/orders/a%20b%2Fc").json() == {"id": "a b/c"}


def test_head_is_get_without_the_content(client: httpx2.Client) -> None:
    get, head = client.get("/orders/7"), client.head("/orders/7")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_options_lists_the_supported_methods(client: httpx2.Client) -> None:
    response = client.options("/orders/7")
    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/orders/7/x", "/orders/", "/orders/7/"])
def test_an_unknown_path_is_404(client: httpx2.Client, path: str) -> None:
    assert problem(client.get(path), 404)["instance"] == path


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/orders", "OPTIONS, POST"),
        ("DELETE", "/orders/7", "GET, HEAD, OPTIONS"),
        ("HEAD", "/release", "OPTIONS, POST"),
    ],
)
def test_an_unsupported_method_is_405_with_the_supported_ones(
    client: httpx2.Client, method: str, path: str, allow: str
) -> None:
    response = client.request(method, path)

    assert response.status_code == 405
    assert response.headers["allow"] == allow
    assert response.headers["content-type"] == "application/problem+json"


def test_a_form_body_is_415(client: httpx2.Client) -> None:
    problem(client.post("/orders", data={"type": "x"}), 415)


def test_a_body_without_a_content_type_is_415(client: httpx2.Client) -> None:
    problem(client.post("/orders", content=b"{}"), 415)


def test_a_page_of_another_origin_can_order_nothing(client: httpx2.Client) -> None:
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    problem(client.post("/orders", json={}, headers=foreign), 403)
    problem(client.post("/release", headers=foreign), 403)
    own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert client.post("/orders", json={}, headers=own).status_code == 202


def test_a_host_that_is_not_ours_is_421(client: httpx2.Client) -> None:
    problem(client.get("/orders/7", headers={"Host": "evil.example"}), 421)
    problem(client.get("/docs", headers={"Host": "evil.example"}), 421)
    assert client.get("/health/live", headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_a_body_over_the_limit_is_413(client: httpx2.Client) -> None:
    problem(client.post("/orders", json={"type": "x" * LIMIT}), 413)


def test_a_body_over_the_limit_in_chunks_is_413(client: httpx2.Client) -> None:
    chunks = (piece.encode() for piece in ('{"type":"', "x" * LIMIT, '"}'))
    problem(client.post("/orders", content=chunks, headers=JSON), 413)


def test_a_body_far_over_the_limit_is_413_before_it_is_read(client: httpx2.Client) -> None:
    response = client.post("/orders", content=b"x" * (LIMIT * 11))
    assert response.status_code == 413
    assert "x-request-id" not in response.headers  # it did not get as far as the edge


def test_an_empty_body_is_400(client: httpx2.Client) -> None:
    assert "empty" in problem(client.post("/orders"), 400)["detail"]


@pytest.mark.parametrize("content", [b"[" * LIMIT, b"{'a': 1}", b'{"type": "\xff"}'])
def test_a_body_that_is_not_json_is_400(client: httpx2.Client, content: bytes) -> None:
    problem(client.post("/orders", content=content, headers=JSON), 400)


def test_an_invalid_value_is_422_with_its_pointer(client: httpx2.Client) -> None:
    document = problem(client.post("/orders", json={"max_retries": 0}), 422)
    assert document["errors"] == [{"pointer": "/max_retries", "detail": "must be at least 1"}]


def test_a_deeply_nested_body_is_400_in_milliseconds_and_does_no_harm() -> None:
    with serve_api() as api, api.client() as client:
        pid = api.pid()

        for content in (b"[" * 60_000, b"[" * 30_000 + b"]" * 30_000):
            started = perf_counter()
            problem(client.post("/orders", content=content, headers=JSON), 400)
            assert perf_counter() - started < 0.5

        assert api.pid() == pid


def test_a_handler_that_exits_is_500_and_the_server_keeps_running(api: ApiProcess) -> None:
    pid = api.pid()
    assert "SystemExit" not in problem(api.get("/exit"), 500)["detail"]
    assert api.pid() == pid


def test_a_request_without_a_key_is_401_except_on_public_routes() -> None:
    with serve_api(CONTINUO_API_KEYS=f"alice:{KEY}") as api, api.client() as client:
        refusal = client.get("/orders/7")
        problem(refusal, 401)
        assert refusal.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/orders/7", headers={"X-API-Key": KEY}).status_code == 200
        assert client.get("/orders/7", headers={"Authorization": f"Bearer {KEY}"}).is_success
        for path in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
            assert client.get(path).status_code == 200
        problem(client.get("/nowhere"), 404)


def test_an_allowed_origin_can_call_the_api() -> None:
    page = "https://pages.example.com"
    with serve_api(CONTINUO_CORS_ORIGINS=page) as api, api.client() as client:
        asks = {"Origin": page, "Access-Control-Request-Method": "POST"}

        allowed = client.options("/orders", headers=asks)

        assert allowed.status_code == 204
        assert "POST" in allowed.headers["access-control-allow-methods"]
        for answer in (
            client.post("/orders", json={}, headers=asks),
            client.get("/nowhere", headers=asks),
        ):
            assert answer.headers["access-control-allow-origin"] == page


def test_a_read_key_cannot_order() -> None:
    with serve_api(CONTINUO_API_KEYS=f"grafana/read:{KEY}") as api, api.client() as client:
        client.headers["X-API-Key"] = KEY
        assert client.get("/orders/7").status_code == 200
        assert "submit" in problem(client.post("/orders", json={}), 403)["detail"]


def test_the_request_id_is_the_same_everywhere() -> None:
    with serve_api() as api:
        response = api.get("/exit", headers={"X-Request-ID": "order-7"})
        assert response.headers["x-request-id"] == problem(response, 500)["request_id"] == "order-7"
        api.popen.terminate()
        assert api.wait() == 0
    lines = [line for line in api.read_log_records() if line.get("request_id") == "order-7"]

    assert [line.get("status") for line in lines] == [None, 500]
    assert "SystemExit" in lines[0]["traceback"]


def test_the_docs_and_their_assets_are_served(client: httpx2.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]

    script = client.get("/docs/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert len(script.content) > 1_000_000
    assert json.loads(client.get("/openapi.json").text)["openapi"] == "3.1.0"


segments = st.sampled_from(
    [
        "",
        "orders",
        "order",
        "orders.",
        "health",
        "live",
        "livex",
        "docs",
        "7",
        "%2F",
        "..",
        "%C3%A9",
        "{id}",
        "?a=1",
    ]
)
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])


@settings(max_examples=300, deadline=None)
@given(method=methods, path=paths)
def test_every_path_gets_a_request_id_and_errors_are_problem_documents(
    wire: HTTPConnection, method: str, path: str
) -> None:
    wire.request(method, path)
    response = wire.getresponse()
    response.read()
    assert response.getheader("x-request-id")
    assert response.status in {200, 204, 400, 404, 405}
    if response.status >= 400:
        assert response.getheader("content-type") == "application/problem+json"


def send_raw(api: ApiProcess, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes; the status, headers and body of the first final answer."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(data)
        response = HTTPResponse(client)
        response.begin()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_a_request_without_a_host_or_with_two_is_400(api: ApiProcess, hosts: bytes) -> None:
    status, headers, _ = send_raw(api, b"GET /orders/7 HTTP/1.1\r\n" + hosts + b"\r\n")

    assert (status, headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("size", [17_000, 60_000])
def test_large_headers_are_431(client: httpx2.Client, size: int) -> None:
    problem(client.get("/orders/7", headers={"X-Large": "x" * size}), 431)


@pytest.mark.parametrize("target", ["/orders/{}", "/orders/7?a={}"])
def test_a_long_target_is_414(client: httpx2.Client, target: str) -> None:
    document = problem(client.get(target.format("x" * 9_000)), 414)
    assert len(document["instance"]) <= 2_000


@pytest.mark.parametrize(
    "request_line", ["TRACE /orders", "OPTIONS *", "PROPFIND /orders", "CONNECT a.example:443"]
)
def test_a_method_that_cello_does_not_route_is_refused_by_it(
    api: ApiProcess, request_line: str
) -> None:
    head = f"{request_line} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    status, headers, body = send_raw(api, head)

    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body)["error"].startswith("Not Found: ")


def test_a_client_that_disconnects_does_not_disturb_the_others(api: ApiProcess) -> None:
    with socket.create_connection(("127.0.0.1", api.port)) as client:
        client.sendall(b"POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert api.get("/orders/7").status_code == 200
