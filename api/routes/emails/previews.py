"""Look at a mail before anybody gets it."""

import asyncio

import msgspec

from api.http.routing import Answer, Request, Router
from api.routes.emails.emails import PATH, Address, TemplateData
from project.errors import InvalidField
from tasks.emails import addresses, recipient_import
from tasks.emails.mail import preview_process, templates
from tasks.emails.mail.preview_process import Parts, Preview, PreviewRequest

MAX_PREVIEWS = 2
"""Booths of one process: each is a process that may work for seconds."""

routes = Router()
PREVIEW_SLOTS = asyncio.Semaphore(MAX_PREVIEWS)


class PreviewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template, by name or in parts, and what it is told of whom."""

    template: str | Parts = "default"
    recipient: Address = "ada@example.com"
    data: TemplateData = msgspec.field(default_factory=dict)


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
    return Answer(await render(PreviewRequest(body.template, body.recipient, body.data)))


async def render(trial: PreviewRequest) -> Preview:
    """The mail of a trial. Raises ``InvalidField``."""
    try:
        (recipient,) = addresses.normalise_recipients([trial.recipient])
    except InvalidField as refused:
        raise InvalidField("recipient", refused.problem) from None
    recipient_import.check_data(trial.data, "data")
    if isinstance(trial.template, str):
        templates.check_template(trial.template)
    elif not (trial.template.html or trial.template.mjml):
        raise InvalidField("template", "needs html or mjml")
    async with PREVIEW_SLOTS:
        return await asyncio.to_thread(
            preview_process.run_preview_process,
            PreviewRequest(trial.template, str(recipient), trial.data),
        )
