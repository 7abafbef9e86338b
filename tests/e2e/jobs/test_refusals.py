"""Invalid requests are refused with a problem document, quickly and without a record."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.programs.system import System

JSON = {"Content-Type": "application/json"}
IN_TIME = 1.0
"""Limit in seconds; a refusal takes milliseconds on an idle machine."""

SYNTAX = {
    "nothing": b"",
    "half an object": b'{"type": ',
    "60 KB of brackets": b"[" * 60_000,
    "not UTF-8": b'{"type": "\xff"}',
    "NaN": b'{"max_retries": NaN}',
    "two values": b"{} {}",
}

REPORTS = {
    "a list": ([], ""),
    "a type that is a number": ({"type": 5}, "type"),
    "a type that is unknown": ({"type": "yearly"}, "type"),
    "filters that are a list": ({"filters": []}, "filters"),
    "an unknown filter": ({"type": "monthly", "filters": {"team": "x"}}, "filters.team"),
    "a filter out of range": (
        {"type": "monthly", "filters": {"department": "magic"}},
        "filters.department",
    ),
    "a month that is none": ({"type": "monthly", "filters": {"month": "2026-13"}}, "filters.month"),
    "an unknown locale": ({"locale": "xx"}, "locale"),
    "a currency that is none": ({"currency": "euro"}, "currency"),
    "a path for a zone": ({"zone": "../UTC"}, "zone"),
    "no attempts": ({"max_retries": 0}, "max_retries"),
    "too many attempts": ({"max_retries": 21}, "max_retries"),
    "attempts that are a text": ({"max_retries": "3"}, "max_retries"),
    "an unknown field": ({"typo": "monthly"}, "typo"),
}

EMAILS = {
    "recipients that are a text": ({"recipients": "ada@example.com"}, "recipients"),
    "a recipient that is a number": ({"recipients": [5]}, "recipients"),
    "a bad address": ({"recipients": ["ada@example.com", "not an address"]}, "recipients[1]"),
    "a header smuggled in": ({"recipients": ["a@example.com\r\nBcc: b@example.com"]}, "recipients"),
    "too many recipients": (
        {"recipients": [f"a{number}@example.com" for number in range(10_001)]},
        "recipients",
    ),
    "an unknown template": ({"template": "../../etc/passwd"}, "template"),
    "an unknown field": ({"recipients": [], "subject": "x"}, "subject"),
}

LISTS = {
    "a bad status": ("status=done", "status", "pending"),
    "a limit of nothing": ("limit=0", "limit", "1"),
    "a limit beyond bounds": ("limit=201", "limit", "200"),
    "a limit that is a word": ("limit=many", "limit", ""),
    "a cursor of one's own": ("cursor=abc", "cursor", ""),
    "an unknown parameter": ("order=asc", "order", "cursor"),
}


@pytest.fixture(autouse=True)
def _nothing_is_left(system: System) -> Iterator[None]:
    """Check that a test leaves no record behind and that the API still answers."""
    before = system.stats()["total_tasks"]
    yield
    assert system.http.get("/health/live").status_code == 200
    assert system.stats()["total_tasks"] == before


def parse_refusal(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def join_text(document: dict[str, Any]) -> str:
    """All text of a document in one string."""
    return json.dumps(document).replace("/", ".")


@pytest.mark.parametrize("path", ["/reports", "/emails"])
@pytest.mark.parametrize("body", SYNTAX.values(), ids=SYNTAX)
def test_a_body_that_is_not_json_is_a_400_without_delay(
    system: System, path: str, body: bytes
) -> None:
    started = time.perf_counter()
    answer = system.http.post(path, content=body, headers=JSON)
    assert time.perf_counter() - started < IN_TIME
    parse_refusal(answer, 400)


@pytest.mark.parametrize(("body", "field"), REPORTS.values(), ids=REPORTS)
def test_an_invalid_report_is_a_422_that_names_the_field(
    system: System, body: Any, field: str
) -> None:
    document = parse_refusal(system.http.post("/reports", json=body), 422)
    assert field in join_text(document)


@pytest.mark.parametrize(("body", "field"), EMAILS.values(), ids=EMAILS)
def test_an_invalid_blast_is_a_422_that_names_the_field(
    system: System, body: Any, field: str
) -> None:
    document = parse_refusal(system.http.post("/emails", json=body), 422)
    assert field in join_text(document)


@pytest.mark.parametrize("path", ["/reports", "/emails"])
@pytest.mark.parametrize(("query", "field", "allowed"), LISTS.values(), ids=LISTS)
def test_an_invalid_query_is_a_400_that_lists_what_is_allowed(
    system: System, path: str, query: str, field: str, allowed: str
) -> None:
    document = parse_refusal(system.http.get(f"{path}?{query}"), 400)
    assert field in document["detail"]
    assert allowed in document["detail"]


def test_an_unknown_status_is_answered_with_the_allowed_ones(system: System) -> None:
    detail = parse_refusal(system.http.get("/reports?status=done"), 400)["detail"]
    for status in ("pending", "running", "success", "failed", "retrying", "cancelled"):
        assert status in detail


@pytest.mark.parametrize(
    "path", ["/nowhere", "/reports/nobody", "/emails/nobody", "/reports/a/b", "/queue"]
)
def test_a_missing_resource_is_a_404(system: System, path: str) -> None:
    assert parse_refusal(system.http.get(path), 404)["instance"] == path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/reports"),
        ("PUT", "/emails"),
        ("POST", "/queue/stats"),
        ("PATCH", "/reports/some-id"),
        ("POST", "/health/live"),
    ],
)
def test_an_unsupported_method_is_a_405_that_lists_the_supported_ones(
    system: System, method: str, path: str
) -> None:
    answer = system.http.request(method, path)
    parse_refusal(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_body_over_the_limit_is_a_413(system: System) -> None:
    body = json.dumps({"type": "x" * 1_000_000})
    parse_refusal(system.http.post("/reports", content=body, headers=JSON), 413)


def test_a_body_far_over_the_limit_is_a_413_too(system: System) -> None:
    body = b'"' + b"x" * 8_000_000 + b'"'
    with httpx2.Client(base_url=system.http.base_url, trust_env=False, timeout=10) as client:
        answer = client.post("/reports", content=body, headers=JSON)
    parse_refusal(answer, 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
def test_an_unsupported_content_type_is_a_415(system: System, kind: str) -> None:
    parse_refusal(system.http.post("/reports", content=b"{}", headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize("path", ["/reports", "/queue/stats", "/health/live", "/openapi.json"])
def test_head_answers_like_get_without_a_body(system: System, path: str) -> None:
    answer = system.http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == system.http.get(path).headers["Content-Type"]


@pytest.mark.parametrize(("path", "methods"), [("/reports", "GET POST"), ("/queue/stats", "GET")])
def test_options_lists_the_supported_methods(system: System, path: str, methods: str) -> None:
    answer = system.http.options(path)
    assert answer.status_code == 204
    assert set(methods.split()) <= set(answer.headers["Allow"].replace(" ", "").split(","))
