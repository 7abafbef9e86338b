"""A test: one mail to one address, to see it where it will be read."""

from functools import partial
from typing import Any

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
    """Whom to send a template, by name or in parts, and what it is told."""

    recipient: Address
    template: str | Parts = "default"
    data: TemplateData = msgspec.field(default_factory=dict)
    attachments: DownloadLinks = msgspec.field(default_factory=list)


def build_task_options(letter: Preview, order: TestOrder) -> dict[str, Any]:
    """A blast of one mail that is made already."""
    said: dict[str, Any] = {
        "recipients": addresses.normalise_recipients([order.recipient]),
        "template": order.template if isinstance(order.template, str) else INLINE_NAME,
        "letter": {
            "subject": SUBJECT_PREFIX + letter.subject,
            "html": letter.html,
            "text": letter.text,
        },
    }
    if order.attachments:
        said["attachments"] = attachments.resolve_links(order.attachments)
    return {"kwargs": said}


@routes.post(
    PATH + "/test",
    body=TestOrder,
    **ORDER_ROUTE,
    summary="Send one mail as a test",
    description=(
        "The mail of POST /emails/preview, with [Test] before its subject, to one address. "
        "Its record is that of a blast; its link unsubscribes nobody."
    ),
    tags=["emails"],
)
async def order_test(request: Request, body: TestOrder) -> Answer:
    """Make the mail within bounds, then queue it."""
    letter = await render(PreviewRequest(body.template, body.recipient, body.data))
    kind = JobKind(send_email_blast, PATH, TestOrder, partial(build_task_options, letter))
    return await order_job(kind, request, body)
