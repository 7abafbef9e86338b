"""The console: pages for people at ``/`` and below ``/console``, made of this API in the browser.

The pages hold nothing and need no key; what they show they ask the API for, with the key of
whoever looks. They are made of files as they are, and their policy lets nothing else in.
"""

from functools import cache
from pathlib import Path

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router

STATIC_FOLDER = Path(__file__).parent / "static"
CONTENT_TYPES = {
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
    return answer_file("index.html")


for path in ("/", "/console/{page}", "/console/{page}/{id}"):
    routes.get(path, auth=False, hidden=True)(show_page)


@routes.get("/console/static/{file}", auth=False, hidden=True)
async def show_file(request: Request) -> Answer:
    """A file of the page."""
    return answer_file(request.params["file"])


@routes.get("/console/static/views/{file}", auth=False, hidden=True)
async def show_view(request: Request) -> Answer:
    """The script of one view."""
    return answer_file(f"views/{request.params['file']}")


def answer_file(name: str) -> Answer:
    """A file of the page; 404 for what is none."""
    content = read_files().get(name)
    if content is None:
        raise Problem(404, f"The console has no {name}")
    return Answer(content, headers=HEADERS, content_type=CONTENT_TYPES[Path(name).suffix])


@cache
def read_files() -> dict[str, str]:
    """Every file: its path below the folder, and what is in it."""
    files = (file for file in STATIC_FOLDER.rglob("*") if file.suffix in CONTENT_TYPES)
    return {str(file.relative_to(STATIC_FOLDER)): file.read_text() for file in files}
