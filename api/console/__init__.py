"""The console: pages for people at ``/`` and below ``/console``, made of this API in the browser.

The pages hold nothing and need no key; what they show they ask the API for, with the key of
whoever looks. They are made of files as they are, and their policy lets nothing else in.
"""

from functools import cache
from pathlib import Path

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router

FILES = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
"""No-cache: asked for again each time, and answered 304 while it is the same."""

routes = Router()


async def show_page(_: Request) -> Answer:
    """The one page; what it shows is in its address."""
    return shown("index.html")


for path in ("/", "/console/{page}", "/console/{page}/{id}"):
    routes.get(path, auth=False, hidden=True)(show_page)


@routes.get("/console/static/{file}", auth=False, hidden=True)
async def show_file(request: Request) -> Answer:
    """A file of the page."""
    return shown(request.params["file"])


@routes.get("/console/static/views/{file}", auth=False, hidden=True)
async def show_view(request: Request) -> Answer:
    """The script of one view."""
    return shown(f"views/{request.params['file']}")


def shown(name: str) -> Answer:
    """A file of the page; 404 for what is none."""
    content = contents().get(name)
    if content is None:
        raise Problem(404, f"The console has no {name}")
    return Answer(content, headers=HEADERS, content_type=TYPES[Path(name).suffix])


@cache
def contents() -> dict[str, str]:
    """Every file: its path below the folder, and what is in it."""
    files = (file for file in FILES.rglob("*") if file.suffix in TYPES)
    return {str(file.relative_to(FILES)): file.read_text() for file in files}
