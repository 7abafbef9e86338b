"""Look at a mail before anybody gets it."""

import asyncio

import msgspec

from api.http.routing import Answer, Request, Router
from api.routes.emails.emails import PATH, Address, Data
from project.errors import InvalidField
from tasks.emails import addresses, recipient_import
from tasks.emails.mail import preview_process, templates
from tasks.emails.mail.preview_process import Parts, Preview, Trial

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
    description="Nothing is sent, and its link unsubscribes nobody. POST /emails/test sends it.",
    tags=["emails"],
)
async def preview_mail(_: Request, body: PreviewOrder) -> Answer:
    """Render it in a process of its own, within bounds."""
    return Answer(await render(Trial(body.template, body.recipient, body.data)))


async def render(trial: Trial) -> Preview:
    """The mail of a trial. Raises ``InvalidField``."""
    try:
        (recipient,) = addresses.normalise([trial.recipient])
    except InvalidField as refused:
        raise InvalidField("recipient", refused.problem) from None
    recipient_import.check_data(trial.data, "data")
    if isinstance(trial.template, str):
        templates.check(trial.template)
    elif not (trial.template.html or trial.template.mjml):
        raise InvalidField("template", "needs html or mjml")
    async with booths:
        return await asyncio.to_thread(
            preview_process.preview, Trial(trial.template, str(recipient), trial.data)
        )
