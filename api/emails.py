"""Order an e-mail blast, watch it, list them."""

from typing import Annotated, Any

import msgspec

from api import jobs
from api.edge import Answer, Request, Router
from api.orders import Order
from project.errors import InvalidField
from project.settings import settings
from tasks.emails import blast, letters, send_email_blast

PATH = "/emails"

routes = Router()

type Address = Annotated[str, msgspec.Meta(extra_json_schema={"format": "email"})]


class BlastOrder(Order, frozen=True, kw_only=True):
    """Whom to mail what. An empty list of recipients is allowed."""

    recipients: list[Address] = msgspec.field(default_factory=list)
    template: str = "default"

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And the templates are those that there are."""
        return [*super().rules(), {"properties": {"template": {"enum": letters.names()}}}]


def call(order: BlastOrder) -> dict[str, Any]:
    """Check the template and every address; each once, as it will be written to."""
    most = settings().max_recipients
    if len(order.recipients) > most:
        raise InvalidField("recipients", f"{len(order.recipients)} given, at most {most} allowed")
    recipients = blast.check(order.recipients, order.template)
    return {"kwargs": {"recipients": recipients, "template": order.template}}


EMAIL_BLAST = jobs.Kind(send_email_blast, PATH, BlastOrder, call)


@routes.post(
    PATH,
    body=BlastOrder,
    **jobs.ORDER,
    summary="Order an e-mail blast",
    tags=["emails"],
)
async def order_blast(request: Request, body: BlastOrder) -> Answer:
    """Check every address and queue the blast."""
    return await jobs.accept(EMAIL_BLAST, body, request)


@routes.get(
    PATH + "/{id}",
    **jobs.SHOW,
    summary="Show a blast's record",
    tags=["emails"],
)
async def show_blast(request: Request) -> Answer:
    """Answer the record."""
    return await jobs.show(EMAIL_BLAST, request)


@routes.get(
    PATH,
    query=jobs.ListQuery,
    answers={200: jobs.TaskList},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List blasts, newest first",
    tags=["emails"],
)
async def list_blasts(request: Request, query: jobs.ListQuery) -> Answer:
    """Answer a page of records."""
    return await jobs.show_list(EMAIL_BLAST, query, request)
