import asyncio
import json
import re

import pytest
from cello import Request as RawRequest

from api.docs.openapi import Info
from api.docs.pages import build_docs_router
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router

app = Router()
routes = build_docs_router(app, Info("Continuo", "1.0"))


def ask(template: str, path: str = "", **params: str) -> Answer:
    route = next(route for route in routes.routes if route.template == template)
    raw = RawRequest("GET", path or template)
    request = Request("r", "GET", raw.path, params, raw.get_header, asyncio.Event())

    async def call() -> Answer:
        answer = await route.handler(request)
        assert isinstance(answer, Answer)
        return answer

    return asyncio.run(call())


def test_the_document_includes_routes_added_after_the_docs() -> None:
    @app.get("/late")
    async def late(_: Request) -> Answer:
        return Answer()

    assert "/late" in json.loads(ask("/openapi.json").value)["paths"]


def test_the_document_is_encoded_once() -> None:
    assert ask("/openapi.json").value is ask("/openapi.json").value


def test_the_page_loads_everything_from_this_server() -> None:
    page = ask("/docs")
    links = re.findall(r'(?:src|href)="([^"]*)"', page.value)
    assert [link for link in links if not link.startswith(("/docs/", "data:"))] == []
    for link in links:
        if link.startswith("/docs/"):
            assert ask("/docs/{asset}", link, asset=link.removeprefix("/docs/")).status == 200


def test_the_page_has_no_inline_script_and_its_policy_allows_none() -> None:
    page = ask("/docs")
    assert all(not text.strip() for text in re.findall(r"<script[^>]*>(.*?)</script>", page.value))

    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'")


def test_assets_have_their_media_type_and_may_be_cached() -> None:
    asset = ask("/docs/{asset}", "/docs/swagger-ui.css", asset="swagger-ui.css")
    assert asset.content_type.startswith("text/css")
    assert asset.headers["Cache-Control"].startswith("public")


@pytest.mark.parametrize("name", ["index.html", "../../__init__.py", "..%2Fcore.py", ""])
def test_no_other_file_of_the_package_is_served(name: str) -> None:
    with pytest.raises(Problem) as refusal:
        ask("/docs/{asset}", f"/docs/{name}", asset=name)
    assert refusal.value.status == 404


def test_the_docs_need_no_key_and_are_not_in_the_document() -> None:
    assert all(route.hidden and not route.auth for route in routes.routes)
