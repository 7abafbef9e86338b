"""Preview a mail before it is sent."""

import asyncio
from typing import Any, ClassVar

import msgspec
from msgspec import structs

from api.http.routing import Answer, Request, Router
from api.routes.emails.emails import PATH, Address, TemplateData
from project.errors import InvalidField
from tasks.emails import addresses, recipient_import
from tasks.emails.mail import preview_process, templates
from tasks.emails.mail.brand import LOGO_URL, build_logo_data_url
from tasks.emails.mail.preview_process import Parts, Preview, PreviewRequest

MAX_PREVIEWS = 2
"""Previews at a time per API process: each runs a process for up to some seconds."""

routes = Router()
PREVIEW_SLOTS = asyncio.Semaphore(MAX_PREVIEWS)


class PreviewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template, by name or in parts, with a recipient and data to render it for."""

    example: ClassVar[dict[str, Any]] = {"template": "welcome", "data": {"name": "Ada"}}

    template: str | Parts = "default"
    recipient: Address = "ada@example.com"
    data: TemplateData = msgspec.field(default_factory=dict)


@routes.post(
    PATH + "/preview",
    body=PreviewOrder,
    answers={200: Preview},
    errors=(),
    summary="Show a mail as it would go out",
    description="Nothing is sent; its link unsubscribes no address. POST /emails/test sends it.",
    tags=["emails"],
)
async def preview_mail(request: Request, body: PreviewOrder) -> Answer:
    """Render the mail in a process with limits on time and memory; its logo is in the HTML."""
    letter = await render(PreviewRequest(body.template, body.recipient, body.data, request.tenant))
    html = letter.html.replace(LOGO_URL, build_logo_data_url(request.tenant))
    return Answer(structs.replace(letter, html=html))


async def render(preview: PreviewRequest) -> Preview:
    """Check and render a preview. Raises ``InvalidField``."""
    try:
        (recipient,) = addresses.normalise_recipients([preview.recipient])
    except InvalidField as refused:
        raise InvalidField("recipient", refused.problem) from None
    recipient_import.check_data(preview.data, "data")
    if isinstance(preview.template, str):
        templates.check_template(preview.template)
    elif not (preview.template.html or preview.template.mjml):
        raise InvalidField("template", "needs html or mjml")
    async with PREVIEW_SLOTS:
        return await asyncio.to_thread(
            preview_process.run_preview_process,
            PreviewRequest(preview.template, str(recipient), preview.data, preview.tenant),
        )
