"""Send one mail to one address as a test, to see it in a mail program."""

from functools import partial
from typing import Any, ClassVar

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs.kinds import ORDER_ROUTE
from api.jobs.orders import JobKind, JobOrder, order_job
from api.routes.emails.emails import PATH, Address, DownloadLinks, TemplateData
from api.routes.emails.previews import render
from tasks.emails import addresses, send_email_blast
from tasks.emails.mail import attachments
from tasks.emails.mail.preview_process import INLINE_NAME, Parts, Preview, PreviewRequest

SUBJECT_PREFIX = "[Test] "

routes = Router()


class TestOrder(JobOrder, frozen=True, kw_only=True):
    """A template, by name or in parts, its data, and the address that gets the mail."""

    example: ClassVar[dict[str, Any]] = {"recipient": "ada@example.com", "template": "welcome"}

    recipient: Address
    template: str | Parts = "default"
    data: TemplateData = msgspec.field(default_factory=dict)
    attachments: DownloadLinks = msgspec.field(default_factory=list)


def build_task_options(letter: Preview, order: TestOrder) -> dict[str, Any]:
    """The arguments of a blast with one recipient and a rendered mail."""
    arguments: dict[str, Any] = {
        "recipients": addresses.normalise_recipients([order.recipient]),
        "template": order.template if isinstance(order.template, str) else INLINE_NAME,
        "letter": {
            "subject": SUBJECT_PREFIX + letter.subject,
            "html": letter.html,
            "text": letter.text,
        },
    }
    if order.attachments:
        arguments["attachments"] = attachments.resolve_links(order.attachments)
    return {"kwargs": arguments}


@routes.post(
    PATH + "/test",
    body=TestOrder,
    **ORDER_ROUTE,
    summary="Send one mail as a test",
    description=(
        "The mail of POST /emails/preview, with [Test] before its subject, to one address. "
        "Its record is that of a blast; its link unsubscribes no address."
    ),
    tags=["emails"],
)
async def order_test(request: Request, body: TestOrder) -> Answer:
    """Render the mail, then queue it."""
    letter = await render(PreviewRequest(body.template, body.recipient, body.data, request.tenant))
    kind = JobKind(send_email_blast, PATH, TestOrder, partial(build_task_options, letter))
    return await order_job(kind, request, body)
