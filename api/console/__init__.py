"""Serves the console at ``/`` and below ``/console``: a page that calls this API in the browser.

The page itself contains no data and needs no key. It calls the API with the key that the user
enters. Its files are served unchanged, and its content security policy forbids all others.
"""

from functools import cache
from pathlib import Path

from api.http.problems import Problem
from api.http.routing import Answer, RawResponse, Request, Router

STATIC_FOLDER = Path(__file__).parent / "static"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
"""With no-cache the browser revalidates each time, and gets 304 while nothing has changed."""
FONT_CACHING = "public, max-age=31536000, immutable"

routes = Router()


async def show_page(_: Request) -> Answer:
    """Answer the page; its script shows the view that the address names."""
    return answer_file("index.html")


for path in ("/", "/console/{page}", "/console/{page}/{id}"):
    routes.get(path, auth=False, hidden=True)(show_page)


@routes.get("/console/static/{file}", auth=False, hidden=True)
async def show_file(request: Request) -> Answer:
    """Answer a script, style sheet or icon of the page."""
    return answer_file(request.params["file"])


@routes.get("/console/static/fonts/{file}", auth=False, hidden=True)
async def show_font(request: Request) -> RawResponse:
    """Answer a font of the page. A browser fetches it once: another font has another name."""
    content = read_fonts().get(request.params["file"])
    if content is None:
        raise Problem(404, f"The console has no font {request.params['file']}")
    response = RawResponse.binary(content, "font/woff2")
    response.set_header("Cache-Control", FONT_CACHING)
    return response


@routes.get("/console/static/views/{folder}/{file}", auth=False, hidden=True)
async def show_view(request: Request) -> Answer:
    """Answer the script of a view."""
    return answer_file(f"views/{request.params['folder']}/{request.params['file']}")


def answer_file(name: str) -> Answer:
    """Answer a file of the page. Raises ``Problem`` 404."""
    content = read_files().get(name)
    if content is None:
        raise Problem(404, f"The console has no {name}")
    return Answer(content, headers=HEADERS, content_type=CONTENT_TYPES[Path(name).suffix])


@cache
def read_files() -> dict[str, str]:
    """Read all files of the page: path below the folder -> text."""
    files = (file for file in STATIC_FOLDER.rglob("*") if file.suffix in CONTENT_TYPES)
    return {str(file.relative_to(STATIC_FOLDER)): file.read_text() for file in files}


@cache
def read_fonts() -> dict[str, bytes]:
    """Read the fonts of the page: name -> content."""
    return {file.name: file.read_bytes() for file in STATIC_FOLDER.glob("fonts/*.woff2")}
