"""The routes of e-mail blasts: order one, show one, list them."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.errors import InvalidField
from project.settings.values import DAY_SECONDS
from tasks.emails import recipient_import, send_email_blast
from tasks.emails.delivery.order import RawRecipient, check_mailing
from tasks.emails.mail import attachments
from tasks.emails.mail import templates as letters
from tasks.emails.settings import get_mail_settings

PATH = "/emails"

UPLOAD_SECONDS = 7 * DAY_SECONDS
"""A blast with ``upload`` fails when it is not started within this time."""

MIN_MAILS_PER_SECOND = 0.001
"""The lowest rate: one mail in 17 minutes."""

DEFAULT_OPTIONS = {
    "data": {},
    "rate": 0.0,
    "on_unknown": "skip",
    "upload": False,
}
"""An option with its default is left out of the arguments of the job."""

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
"""What these fields may be in an order with ``upload``, as JSON Schema."""


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address, and the template data for this recipient."""

    address: Address
    data: TemplateData = msgspec.field(default_factory=dict)


class BlastOrder(JobOrder, frozen=True, kw_only=True):
    """The recipients of a blast and its template. An empty list of recipients is allowed.

    ``data`` is for the template: here for all recipients, in a recipient for that one. ``rate``
    limits the mails per second; 0 means no limit, other values are at least 0.001. ``on_unknown``
    says whether a mail is skipped or sent again, with the same Message-ID, when the reply of the
    mail server was lost. With ``upload`` the recipients are added in parts, and the blast waits
    for its start. ``attachments`` are download links of files that jobs have made.
    """

    example: ClassVar[dict[str, Any]] = {
        "recipients": ["ada@example.com", {"address": "bob@example.com", "data": {"name": "Bob"}}],
        "template": "welcome",
    }

    recipients: list[Address | Recipient] = msgspec.field(default_factory=list)
    template: str = "default"
    data: TemplateData = msgspec.field(default_factory=dict)
    rate: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0
    on_unknown: Literal["skip", "resend"] = "skip"
    upload: bool = False
    attachments: DownloadLinks = msgspec.field(default_factory=list)

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """The known templates, the limits, and what ``upload`` and ``rate`` allow."""
        most = {"maxItems": get_mail_settings().max_recipients}
        templates = {
            "properties": {"template": {"enum": letters.list_templates()}, "recipients": most}
        }
        uploads = [{"properties": {"upload": {"const": False}}}, {"properties": UPLOAD_SCHEMA}]
        rates = [
            {"properties": {"rate": rate}}
            for rate in ({"const": 0}, {"minimum": MIN_MAILS_PER_SECOND})
        ]
        return [*super().rules(), templates, {"anyOf": uploads}, {"anyOf": rates}]


def build_task_options(order: BlastOrder) -> dict[str, Any]:
    """Check the order and build the arguments and options of its job.

    Raises ``InvalidField``.
    """
    check_limits(order)
    check_template_data(order)
    recipients = check_mailing([to_plain(item) for item in order.recipients], order.template)
    given = {name: getattr(order, name) for name in DEFAULT_OPTIONS}
    arguments = {name: value for name, value in given.items() if value != DEFAULT_OPTIONS[name]}
    if order.attachments:
        arguments["attachments"] = attachments.resolve_links(order.attachments)
    options = build_upload_options(order) if order.upload else {}
    kwargs = {"recipients": recipients, "template": order.template, **arguments}
    return {"kwargs": kwargs, **options}


def check_limits(order: BlastOrder) -> None:
    """Raise ``InvalidField`` for too many recipients or too low a rate."""
    most = get_mail_settings().max_recipients
    if len(order.recipients) > most:
        raise InvalidField("recipients", f"{len(order.recipients)} given, at most {most} allowed")
    if 0 < order.rate < MIN_MAILS_PER_SECOND:
        raise InvalidField("rate", f"must be 0 (no limit) or at least {MIN_MAILS_PER_SECOND}")


def check_template_data(order: BlastOrder) -> None:
    """Raise ``InvalidField`` for data that a template cannot use."""
    recipient_import.check_data(order.data, "data")
    for place, recipient in enumerate(order.recipients):
        if isinstance(recipient, Recipient):
            recipient_import.check_data(recipient.data, f"recipients[{place}].data")


def to_plain(recipient: str | Recipient) -> RawRecipient:
    """A recipient as it stands in the arguments of the job."""
    if isinstance(recipient, str):
        return recipient
    return [recipient.address, recipient.data] if recipient.data else recipient.address


def build_upload_options(order: BlastOrder) -> dict[str, Any]:
    """The options of a blast that waits for its recipients. Raises ``InvalidField``."""
    if order.recipients:
        raise InvalidField("recipients", "must be empty when upload is true: add them in parts")
    for name in ("delay", "run_at", "expires"):
        if getattr(order, name) is not None:
            raise InvalidField(
                name, f"cannot be combined with upload: start the blast with POST {PATH}/ID/start"
            )
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
