"""Look at a mail before anybody gets it."""

import asyncio

import msgspec

from api.edge import Answer, Request, Router
from api.emails import PATH, Address, Data
from project.errors import InvalidField
from tasks.emails import addresses, booth, intake, letters
from tasks.emails.booth import Parts, Preview, Trial

AT_ONCE = 2
"""Booths of one process: each is a process that may work for seconds."""

routes = Router()
booths = asyncio.Semaphore(AT_ONCE)


class PreviewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template, by name or in parts, and what it is told of whom."""

    template: str | Parts = "default"
    recipient: Address = "ada@example.com"
    data: Data = msgspec.field(default_factory=dict)


@routes.post(
    PATH + "/preview",
    body=PreviewOrder,
    answers={200: Preview},
    errors=(),
    summary="Show a mail as it would go out",
    description="Nothing is sent. To send it to yourself order a blast with you as its recipient.",
    tags=["emails"],
)
async def preview_mail(_: Request, body: PreviewOrder) -> Answer:
    """Render it in a process of its own, within bounds."""
    (recipient,) = addresses.normalise([body.recipient])
    intake.check_data(body.data, "data")
    if isinstance(body.template, str):
        letters.check(body.template)
    elif not (body.template.html or body.template.mjml):
        raise InvalidField("template", "needs html or mjml")
    trial = Trial(body.template, str(recipient), body.data)
    async with booths:
        return Answer(await asyncio.to_thread(booth.preview, trial))
