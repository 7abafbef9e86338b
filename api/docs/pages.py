"""Serves /openapi.json for programs and /docs for people.

The page works without the internet: Swagger UI comes from a Python package. The page's content
security policy forbids everything else, inline scripts included.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from api.docs.openapi import Info, build_document
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.extras import has_extra

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="page"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""
_START_SCRIPT = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
_ASSETS = {
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_CACHE_CONTROL = "public, max-age=86400"


def build_docs_router(router: Router, info: Info) -> Router:
    """Build the routes that describe ``router``; the document is built on first use."""
    routes = Router()

    @cache
    def description() -> str:
        return msgspec.json.encode(build_document(router, info)).decode()

    @routes.get("/openapi.json", auth=False, hidden=True)
    async def show_description(_: Request) -> Answer:
        return Answer(description(), headers={"Cache-Control": "no-cache"})

    if has_extra("docs"):
        routes.include(build_page_router(info))
    return routes


def build_page_router(info: Info) -> Router:
    """Build the routes of the page."""
    routes = Router()

    @routes.get("/docs", auth=False, hidden=True)
    async def show_page(_: Request) -> Answer:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return Answer(
            _PAGE.format(title=info.title),
            headers=headers,
            content_type="text/html; charset=utf-8",
        )

    @routes.get("/docs/{asset}", auth=False, hidden=True)
    async def show_asset(request: Request) -> Answer:
        return _answer_asset(request.params["asset"])

    return routes


def _answer_asset(name: str) -> Answer:
    if name not in _ASSETS:
        raise Problem(404, f"The page has no {name}")
    text = _START_SCRIPT if name == "start.js" else _read_asset(name)
    return Answer(text, headers={"Cache-Control": _CACHE_CONTROL}, content_type=_ASSETS[name])


@cache
def _read_asset(name: str) -> str:
    """Read a file of Swagger UI, without importing its package."""
    package = find_spec("swagger_ui")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the package swagger-ui-py is not installed")
    return (Path(package.submodule_search_locations[0]) / "static" / name).read_text()
