"""The routes of e-mail blasts: order one, show one, list them."""

from typing import Annotated, Any, Literal

import msgspec

from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.errors import InvalidField
from project.settings.values import DAY_SECONDS, get_settings
from tasks.emails import recipient_import, send_email_blast
from tasks.emails.delivery.order import RawRecipient, check_mailing
from tasks.emails.mail import attachments
from tasks.emails.mail import templates as letters

PATH = "/emails"

UPLOAD_SECONDS = 7 * DAY_SECONDS
"""A blast that is not started within this time after its order fails."""

MIN_MAILS_PER_SECOND = 0.001
"""Mails a second: one in a quarter of an hour."""

OPTIONAL_FIELDS = ("data", "rate", "on_unknown", "upload")
DEFAULT_OPTIONS = {
    "data": {},
    "rate": 0.0,
    "on_unknown": "skip",
    "upload": False,
}
"""What is not said in the job's arguments when it is left out."""

type Address = Annotated[str, msgspec.Meta(extra_json_schema={"format": "email"})]
type DownloadLink = Annotated[str, msgspec.Meta(extra_json_schema={"format": "download-link"})]
type DownloadLinks = Annotated[
    list[DownloadLink], msgspec.Meta(extra_json_schema={"maxItems": attachments.MAX_ATTACHMENTS})
]
type TemplateData = Annotated[
    dict[str, Any], msgspec.Meta(extra_json_schema=recipient_import.DATA_SCHEMA)
]

UPLOAD_SCHEMA = {
    "recipients": {"maxItems": 0},
    "delay": {"type": "null"},
    "run_at": {"type": "null"},
    "expires": {"type": "null"},
}
"""What an order with ``upload`` may say of these."""


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address, and what the template is told of this recipient alone."""

    address: Address
    data: TemplateData = msgspec.field(default_factory=dict)


class BlastOrder(JobOrder, frozen=True, kw_only=True):
    """Whom to mail what. An empty list of recipients is allowed.

    ``data`` is what the template is told, of all or of each recipient. ``rate`` is the most mails
    a second, 0 for as many as there can be, else at least 0.001. ``on_unknown``: whether a mail
    whose answer was lost is skipped or sent again, with the same Message-ID. With ``upload`` the
    recipients follow in parts, and it starts when it is told to. ``attachments`` are download
    links of what jobs made.
    """

    recipients: list[Address | Recipient] = msgspec.field(default_factory=list)
    template: str = "default"
    data: TemplateData = msgspec.field(default_factory=dict)
    rate: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0
    on_unknown: Literal["skip", "resend"] = "skip"
    upload: bool = False
    attachments: DownloadLinks = msgspec.field(default_factory=list)

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And the templates are those that there are, and one with upload waits."""
        most = {"maxItems": get_settings().max_recipients}
        templates = {
            "properties": {"template": {"enum": letters.list_templates()}, "recipients": most}
        }
        waits = [{"properties": {"upload": {"const": False}}}, {"properties": UPLOAD_SCHEMA}]
        rates = [
            {"properties": {"rate": rate}}
            for rate in ({"const": 0}, {"minimum": MIN_MAILS_PER_SECOND})
        ]
        return [*super().rules(), templates, {"anyOf": waits}, {"anyOf": rates}]


def build_task_options(order: BlastOrder) -> dict[str, Any]:
    """Check the template and every address; each once, as it will be written to."""
    most = get_settings().max_recipients
    if len(order.recipients) > most:
        raise InvalidField("recipients", f"{len(order.recipients)} given, at most {most} allowed")
    if 0 < order.rate < MIN_MAILS_PER_SECOND:
        raise InvalidField(
            "rate", f"is 0, for as fast as can be, or at least {MIN_MAILS_PER_SECOND}"
        )
    recipient_import.check_data(order.data, "data")
    for place, recipient in enumerate(order.recipients):
        if isinstance(recipient, Recipient):
            recipient_import.check_data(recipient.data, f"recipients[{place}].data")
    recipients = check_mailing([to_plain(item) for item in order.recipients], order.template)
    wishes = {name: getattr(order, name) for name in OPTIONAL_FIELDS}
    said = {name: value for name, value in wishes.items() if value != DEFAULT_OPTIONS[name]}
    if order.attachments:
        said["attachments"] = attachments.resolve_links(order.attachments)
    options = build_upload_options(order) if order.upload else {}
    return {"kwargs": {"recipients": recipients, "template": order.template, **said}, **options}


def to_plain(recipient: str | Recipient) -> RawRecipient:
    """A recipient as a job is told it."""
    if isinstance(recipient, str):
        return recipient
    return [recipient.address, recipient.data] if recipient.data else recipient.address


def build_upload_options(order: BlastOrder) -> dict[str, Any]:
    """The options of a blast that is started when its recipients are there."""
    if order.recipients:
        raise InvalidField("recipients", "follow in parts when upload is true; leave them out")
    for name in ("delay", "run_at", "expires"):
        if getattr(order, name) is not None:
            raise InvalidField(name, "cannot be given with upload: such a blast starts when told")
    return {"countdown": UPLOAD_SECONDS}


EMAIL_BLAST = JobKind(send_email_blast, PATH, BlastOrder, build_task_options)

routes = build_kind_routes(
    EMAIL_BLAST,
    RouteTexts(
        one="blast",
        many="blasts",
        order_summary="Order an e-mail blast",
        show_summary="Show a blast's record",
        list_summary="List blasts, newest first",
    ),
    tag="emails",
)
