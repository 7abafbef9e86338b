"""The page behind the unsubscribe link of each mail: GET shows the page, POST unsubscribes.

Mail scanners follow every link, so GET changes nothing. Mail programs send the POST themselves
(RFC 8058). No API key is needed: the signed link is the permission.
"""

from html import escape

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.http.small_pages import answer_page
from project.celery import app
from project.errors import LinkTampered
from tasks.emails.addresses import get_sender
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.mail import unsubscribe

PATH = "/u/{token}"

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
