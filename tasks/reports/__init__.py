"""The kind ``report``: figures, charts and a table, rendered and stored as an artifact.

May import: rendering, project; no other kind.
"""

import random
from typing import Annotated, Any

from msgspec import Meta

import tasks.rendering.settings  # noqa: F401 - a wrong setting stops the worker at its start
from project.celery import app
from project.errors import TransientError
from project.job.running.own_record import read_tenant
from project.payload.offer import ONLY_IN_PYTHON, Offer
from project.services import declare_service
from project.settings.groups import read_settings
from tasks.rendering import follow_up_mail
from tasks.rendering.definitions.schema import Output
from tasks.reports.settings import ReportSettings

declare_service("database", "tasks.rendering.data.postgres:check_database")


PATH = "/reports"
DEFAULT_TYPE = "summary"
EXAMPLE = {
    "type": "monthly",
    "filters": {"department": "engineering", "month": "2026-05"},
    "tags": ["spending"],
}

type Outputs = Annotated[list[Output], Meta(extra_json_schema={"minItems": 1, "uniqueItems": True})]
type LocaleName = Annotated[
    str, Meta(extra_json_schema={"format": "locale"}, description="How to write, such as de-CH.")
]
type CurrencyCode = Annotated[
    str, Meta(extra_json_schema={"format": "currency"}, description="Of money, such as EUR.")
]
type ZoneName = Annotated[
    str, Meta(extra_json_schema={"format": "time-zone"}, description="Such as Europe/Berlin.")
]


def check_report(
    type: str,  # noqa: A002 - the name in the message
    filters: dict[str, Any],
    format: Output | list[Output],  # noqa: A002 - the same
    mail: follow_up_mail.Mail | None,
    *,
    archival: bool,
    region: dict[str, str] | None = None,
    **names: str | None,
) -> dict[str, Any]:
    """The arguments with the defaults of the filters. Raises ``InvalidField``.

    ``names`` are ``locale``, ``currency`` and ``zone``. They are stored as ``region``, which all
    versions read.
    """
    from tasks.rendering import regions
    from tasks.rendering.definitions import filters as known_filters
    from tasks.reports import documents

    kwargs: dict[str, Any] = {"type": type, "filters": known_filters.check_filters(type, filters)}
    if format != "pdf":
        documents.check_outputs([format] if isinstance(format, str) else format)
        kwargs["format"] = format
    if archival:
        kwargs["archival"] = True
    if region := (region or {}) | {name: value for name, value in names.items() if value}:
        regions.check_region(documents.parse_region(region))
        kwargs["region"] = region
    if mail is not None:
        kwargs["mail"] = follow_up_mail.build_mail_argument(mail, app.tasks)
    return kwargs


def build_rules() -> list[dict[str, Any]]:
    """Further JSON Schema of an order: each type has its own filters."""
    from tasks.rendering.definitions import report_types

    return [{"anyOf": [build_rule(kind) for kind in report_types.load_all_types().values()]}]


def build_rule(kind: Any) -> dict[str, Any]:
    """The JSON Schema of an order of one type; the default type may be left out."""
    from tasks.rendering.definitions import report_types

    required = {} if kind.name == DEFAULT_TYPE else {"required": ["type"]}
    filters_of = report_types.build_filter_schema(kind.definition.origin)
    return {"properties": {"type": {"const": kind.name}, "filters": filters_of}, **required}


@app.retried_task(
    name="report",
    http=Offer(PATH, example=EXAMPLE, build_rules=build_rules),
    check=check_report,
)
def generate_report(  # noqa: PLR0913, PLR0917 - they are the fields of an order
    self: Any,
    type: str = DEFAULT_TYPE,  # noqa: A002 - the name in the message
    filters: dict[str, Any] = {},  # noqa: B006 - it is not changed
    format: Output | Outputs = "pdf",  # noqa: A002 - as type
    archival: bool = False,
    locale: LocaleName | None = None,
    currency: CurrencyCode | None = None,
    zone: ZoneName | None = None,
    mail: follow_up_mail.Mail | None = None,
    region: Annotated[dict[str, str] | None, ONLY_IN_PYTHON] = None,
) -> dict[str, Any]:
    """Order a report.

    Several values of ``format`` make a zip. ``archival`` makes the PDF a PDF/A. ``locale``,
    ``currency`` and ``zone`` say how pages write numbers, money and times; by default the settings
    say it. ``mail`` sends a mail when the report is ready.

    The result is ``{"report_type": str, "rows_processed": int}``, the fields of a file, ``rows``
    (lines of the table), ``pages`` of a PDF and the period it ``covers``, if any, ``read_as`` (how
    own files were read, by table) and ``warnings`` (list of texts), if any, and with ``mail`` also
    ``mail_id``, the id of the mail job.
    """
    from tasks.rendering.process import build_progress_listener
    from tasks.reports import documents

    fail_on_purpose()
    outputs = [format] if isinstance(format, str) else format
    names = {"locale": locale, "currency": currency, "zone": zone}
    result = documents.build_report(
        type,
        filters,
        outputs,
        archival=archival,
        region=(region or {}) | {name: value for name, value in names.items() if value},
        tenant=read_tenant(self),
        on_progress=build_progress_listener(self),
    )
    if mail is None:
        return result
    summary = documents.summarize_report(filters, result)
    return result | {"mail_id": follow_up_mail.enqueue_mail(self, mail, summary, result)}


def fail_on_purpose() -> None:
    """Fail a share CONTINUO_FAULT_RATE of all attempts, to demonstrate retries."""
    if random.random() < read_settings(ReportSettings).fault_rate:  # noqa: S311 - not a secret
        raise TransientError("Upstream data service timed out (simulated)")
