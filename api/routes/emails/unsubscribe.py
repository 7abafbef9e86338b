"""The page behind the unsubscribe link of each mail: GET shows the page, POST unsubscribes.

Mail scanners follow every link, so GET changes nothing. Mail programs send the POST themselves
(RFC 8058). No API key is needed: the signed link is the permission.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.errors import LinkTampered
from tasks.emails.addresses import get_sender
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.mail import unsubscribe

PATH = "/u/{token}"

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: light-dark(#f5f1eb, #15120f); color: light-dark(#2b211a, #f3ece3);
  font: 17px/1.55 Georgia, serif; }
main { max-width: 26rem; margin: 12vh auto; padding: 2.5rem; background: light-dark(#fff, #211c18);
  border: 1px solid light-dark(#e8dfd4, #3a322a); border-radius: 14px; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; font-weight: normal; }
p, form { margin: 0 0 1.5rem; overflow-wrap: anywhere; }
p + p, form + p { margin: 0; color: light-dark(#6f6256, #b9ac9d);
  font: 14px/1.5 Helvetica, Arial, sans-serif; }
button { padding: .8rem 1.6rem; border: 0; border-radius: 8px; cursor: pointer;
  background: light-dark(#8a4720, #e39a68); color: light-dark(#fff, #1d120a);
  font: bold 1rem Helvetica, Arial, sans-serif; }
@media (max-width: 30rem) { main { margin: 4vh 1rem; padding: 1.5rem; } }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main><h1>{title}</h1>{content}</main></body>
</html>
"""
ASK_HTML = """
<p><strong>{address}</strong> will get no more mails from <strong>{sender}</strong>.</p>
<form method="post"><button>Unsubscribe</button></form>
<p>This is about all mails that {origin} sends, on whatever subject.</p>"""
DONE_HTML = """
<p><strong>{address}</strong> gets no more mails from <strong>{sender}</strong>.</p>
<p>This is about all mails that {origin} sends, on whatever subject. Mails that are on their
way may still arrive.</p>"""
TEST_HTML = "<p>This link came with a test mail. It unsubscribes no address.</p>"

routes = Router()


@routes.get(
    PATH,
    auth=False,
    answers={200: str},
    errors=(404,),
    produces="text/html",
    summary="Show the page of the unsubscribe link; this changes nothing",
    tags=["suppressions"],
)
async def show_page(request: Request) -> Answer:
    """Ask for a confirmation."""
    address = resolve_address(request)
    return answer_page("Unsubscribe", fill_in(ASK_HTML, address)) if address else answer_test_link()


@routes.post(
    PATH,
    auth=False,
    answers={200: str},
    errors=(404, 503),
    produces="text/html",
    summary="Unsubscribe, as the button and mail programs do (RFC 8058)",
    tags=["suppressions"],
)
async def unsubscribe_reader(request: Request) -> Answer:
    """Suppress the address; a repeated call changes nothing."""
    address = resolve_address(request)
    if not address:
        return answer_test_link()
    await app.async_store.run(commands.suppress([fold_address(address)], unsubscribe.REASON))
    return answer_page("You are unsubscribed", fill_in(DONE_HTML, address))


def fill_in(content: str, address: str) -> str:
    """The content with the address of the reader, and the name and the address of the sender."""
    sender = get_sender()
    return content.format(
        address=escape(address),
        sender=escape(sender.name or sender.address),
        origin=escape(sender.address),
    )


def answer_test_link() -> Answer:
    """The page of a link that came with a preview or a test mail."""
    return answer_page("This was a test", TEST_HTML)


def resolve_address(request: Request) -> str:
    """The address in the link, "" in the link of a test; 404 for a link with a wrong signature."""
    try:
        return unsubscribe.resolve_token(request.params["token"])
    except LinkTampered as refused:
        raise Problem(404, str(refused)) from refused


def answer_page(title: str, content: str) -> Answer:
    """A page without scripts, cache and referrer."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    text = PAGE_HTML.format(title=title, style=STYLE, content=content)
    return Answer(text, headers=headers, content_type="text/html; charset=utf-8")
