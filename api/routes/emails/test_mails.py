"""A test: one mail to one address, to see it where it will be read."""

from functools import partial
from typing import Any

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import resource
from api.jobs.order_options import Order
from api.routes.emails.emails import PATH, Address, Data, Links
from api.routes.emails.previews import render
from tasks.emails import addresses, send_email_blast
from tasks.emails.mail import attachments
from tasks.emails.mail.preview_process import INLINE, Parts, Preview, Trial

MARK = "[Test] "

routes = Router()


class TestOrder(Order, frozen=True, kw_only=True):
    """Whom to send a template, by name or in parts, and what it is told."""

    recipient: Address
    template: str | Parts = "default"
    data: Data = msgspec.field(default_factory=dict)
    attachments: Links = msgspec.field(default_factory=list)


def call(letter: Preview, order: TestOrder) -> dict[str, Any]:
    """A blast of one mail that is made already."""
    said: dict[str, Any] = {
        "recipients": addresses.normalise([order.recipient]),
        "template": order.template if isinstance(order.template, str) else INLINE,
        "letter": {"subject": MARK + letter.subject, "html": letter.html, "text": letter.text},
    }
    if order.attachments:
        said["attachments"] = attachments.named(order.attachments)
    return {"kwargs": said}


@routes.post(
    PATH + "/test",
    body=TestOrder,
    **resource.ORDER,
    summary="Send one mail as a test",
    description=(
        "The mail of POST /emails/preview, with [Test] before its subject, to one address. "
        "Its record is that of a blast; its link unsubscribes nobody."
    ),
    tags=["emails"],
)
async def order_test(request: Request, body: TestOrder) -> Answer:
    """Make the mail within bounds, then queue it."""
    letter = await render(Trial(body.template, body.recipient, body.data))
    kind = resource.Kind(send_email_blast, PATH, TestOrder, partial(call, letter))
    return await resource.accept(kind, body, request)
