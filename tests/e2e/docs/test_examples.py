"""The examples in /openapi.json, which Swagger fills in: the running API accepts each of them."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from playwright.sync_api import expect

from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.programs.system import System


@pytest.fixture(scope="module")
def document(system: System) -> dict[str, Any]:
    """The OpenAPI document of the running API."""
    document: dict[str, Any] = system.http.get("/openapi.json").json()
    return document


def list_examples(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The method, the path and the example of each request with a JSON body."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters" and "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                name = schema.get("$ref", "").rpartition("/")[2]
                schema = document["components"]["schemas"].get(name, schema)
                yield method, path, schema["examples"][0]


NOT_SET_UP = ("/bounces/ses", "/bounces/postmark")
"""Routes that answer 404 until their service is named in the settings."""


def prepare(system: System, path: str, example: Any) -> str:
    """Make what a request is about; the path with its id."""
    if path == "/emails/{id}/recipients":
        blast = system.order("/emails", {"template": "welcome", "upload": True})
        return path.replace("{id}", blast["id"])
    if path == "/batches/{id}/jobs":
        batch = system.http.post("/batches", json={"name": "an example"}).json()
        return path.replace("{id}", batch["id"])
    if path == "/tasks/{id}/retry":
        report = system.order("/reports", {"delay": 3600})
        system.http.delete(f"/tasks/{report['id']}")
        return path.replace("{id}", report["id"])
    if path == "/tasks/{id}/signals/{name}":
        report = system.order("/reports", {"delay": 3600})
        path = path.replace("{id}", report["id"])
    if path == "/callbacks/enable":
        with redis.Redis.from_url(system.redis_url) as client:
            client.zadd("continuo:disabled_urls", {example["url"]: 1})
    if path == "/errors/{fingerprint}":
        with redis.Redis.from_url(system.redis_url) as client:
            client.zadd("continuo:causes", {"a1b2c3d4e5f6": 1})
            client.hset("continuo:cause:a1b2c3d4e5f6", mapping={"past": 1, "headline": "E: x"})
        return path.replace("{fingerprint}", "a1b2c3d4e5f6")
    return path.replace("{name}", "an-example")


@pytest.fixture
def tidy(system: System, document: dict[str, Any]) -> Iterator[None]:
    """Delete what the examples put: a switch would hold the jobs of the tests after this one."""
    yield
    for method, path, _ in list_examples(document):
        if method == "put":
            assert system.http.delete(path.replace("{name}", "an-example")).is_success, path


@pytest.mark.usefixtures("tidy")
def test_every_example_of_a_request_is_accepted(system: System, document: dict[str, Any]) -> None:
    examples = list(list_examples(document))

    answers = {
        path: system.http.request(method, prepare(system, path, example), json=example)
        for method, path, example in examples
        if path not in NOT_SET_UP
    }

    refused = {path: answer.text for path, answer in answers.items() if not answer.is_success}
    assert len(examples) > 12
    assert refused == {}
    assert answers["/tasks/bulk"].status_code == 202


def test_no_example_of_a_request_says_null(document: dict[str, Any]) -> None:
    for _, path, example in list_examples(document):
        assert None not in (example.values() if isinstance(example, dict) else example), path


def test_the_example_of_a_record_has_the_fields_of_a_record(
    system: System, document: dict[str, Any]
) -> None:
    shown = system.order("/reports", {"delay": 3600})

    (example,) = document["components"]["schemas"]["TaskRecord"]["examples"]

    assert list(example) == [name for name in shown if name != "errors"]


def test_swagger_shows_the_examples(system: System) -> None:
    with launch_browser() as browser, visit_page(browser, str(system.http.base_url)) as page:
        page.goto("/docs#/reports/order_report")
        shown = page.locator("#operations-reports-order_report .opblock-section-request-body")

        expect(shown).to_contain_text('"month": "2026-05"')
        expect(shown).not_to_contain_text("null")
