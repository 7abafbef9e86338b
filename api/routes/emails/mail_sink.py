"""Pages with the mails of the bundled mail sink.

The HTML of a mail is not trusted: it is shown in a frame without scripts, network and origin. With
SMTP_URL set there is no mail sink, and these pages do not exist.
"""

import asyncio
from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import urlencode

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.local import mailbox
from project.local.mailbox import MailSummary, StoredMail

PATH = "/outbox"
MAILS_PER_PAGE = 50

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: light-dark(#f5f1eb, #171310); color: light-dark(#2b211a, #efe7dd);
  font: 15px/1.5 Helvetica, Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { margin: 0 0 1.2rem; font: 1.7rem/1.3 Georgia, serif; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .6rem; font: 1.15rem/1.3 Georgia, serif; }
a { color: light-dark(#8a4720, #e9a273); }
p { margin: 1rem 0; }
table { width: 100%; border-collapse: collapse; background: light-dark(#fff, #211b17);
  border: 1px solid light-dark(#e8dfd4, #3a3029); }
th, td { padding: .45rem .8rem; text-align: left; vertical-align: top;
  border-top: 1px solid light-dark(#f0e9e0, #3a3029); overflow-wrap: anywhere; }
th { font-weight: normal; color: light-dark(#675a4e, #b6a899); white-space: nowrap; }
td.at { white-space: nowrap; color: light-dark(#675a4e, #b6a899);
  font-variant-numeric: tabular-nums; }
iframe { width: 100%; height: 52rem; background: #fff; border: 1px solid #e8dfd4; }
pre { margin: 0; padding: 1rem; background: light-dark(#fff, #211b17);
  border: 1px solid light-dark(#e8dfd4, #3a3029);
  font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}';"
    " img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
PAGE_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body><main><p><a href="/">Console</a></p>{content}</main></body>
</html>
"""
HTML_CONTENT_TYPE = "text/html; charset=utf-8"


class OutboxQuery(msgspec.Struct, frozen=True):
    """The name of a mail: the page begins with the mail before it."""

    before: str = ""


def build_sink_router() -> Router:
    """The routes of the pages, which are not in the OpenAPI document."""
    routes = Router()

    @routes.get(PATH, query=OutboxQuery, hidden=True, cross_tenant=True, is_page=True)
    async def show_outbox(_: Request, query: OutboxQuery) -> Answer:
        mails = await asyncio.to_thread(mailbox.list_newest, MAILS_PER_PAGE, query.before)
        return answer_page("Outbox", format_list(mails))

    @routes.get(PATH + "/{name}", hidden=True, cross_tenant=True, is_page=True)
    async def show_mail(request: Request) -> Answer:
        mail = await fetch_mail(request)
        return answer_page(mail.subject or "A mail without a subject", format_mail(mail))

    @routes.get(PATH + "/{name}/html", hidden=True, cross_tenant=True, is_page=True)
    async def show_body(request: Request) -> Answer:
        mail = await fetch_mail(request)
        return answer_html(mail.html or f"<pre>{escape(mail.text)}</pre>", MAIL_POLICY)

    return routes


async def fetch_mail(request: Request) -> StoredMail:
    """The mail in the path; 404 when the sink does not have it."""
    name = request.params["name"]
    mail = await asyncio.to_thread(mailbox.read_mail, name)
    if mail is None:
        raise Problem(404, f"The outbox has no mail {name!r}")
    return mail


def format_list(mails: list[MailSummary]) -> str:
    """The mails, newest first, with a link to older ones."""
    if not mails:
        return "<h1>Outbox</h1><p>No mails. Order a blast: <code>POST /emails</code>.</p>"
    rows = "".join(
        f'<tr><td class="at">{mail.at}</td><td>{escape(mail.recipient)}</td>'
        f'<td><a href="{PATH}/{mail.name}">{escape(mail.subject) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    table = f"<table><tr><th>UTC</th><th>To</th><th>Subject</th></tr>{rows}</table>"
    older = urlencode({"before": mails[-1].name})
    more = f'<p><a href="{PATH}?{older}">Older</a></p>' if len(mails) == MAILS_PER_PAGE else ""
    return f"<h1>Outbox</h1>{table}{more}"


def format_mail(mail: StoredMail) -> str:
    """A mail as HTML: its HTML in a frame, its text and its headers."""
    headers = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in mail.headers
    )
    frame = f'<iframe sandbox src="{PATH}/{mail.name}/html" title="The mail as HTML"></iframe>'
    return (
        f'<p><a href="{PATH}">Outbox</a></p><h1>{escape(mail.subject)}</h1>{frame}'
        f"{format_attachments(mail)}"
        f"<h2>As text</h2><pre>{escape(mail.text)}</pre><h2>Headers</h2><table>{headers}</table>"
    )


def format_attachments(mail: StoredMail) -> str:
    """The names, types and sizes of the attachments; "" when there are none."""
    if not mail.attachments:
        return ""
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{escape(each.type)}</td>"
        f"<td>{each.size:,} bytes</td></tr>"
        for each in mail.attachments
    )
    return f"<h2>Attachments</h2><table>{rows}</table>"


def answer_page(title: str, content: str) -> Answer:
    """A page of this module: it loads and runs nothing."""
    return answer_html(PAGE_HTML.format(title=escape(title), style=STYLE, content=content), POLICY)


def answer_html(text: str, policy: str) -> Answer:
    """HTML with a Content-Security-Policy."""
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Answer(text, headers=headers, content_type=HTML_CONTENT_TYPE)
