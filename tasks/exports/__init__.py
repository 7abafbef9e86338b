"""The kind ``export``: all rows of a query as one file, stored as an artifact.

May import: rendering, project; no other kind.
"""

from typing import Any, Literal

import tasks.rendering.settings  # noqa: F401 - a wrong setting stops the worker at its start
from project.celery import app
from project.payload.offer import Offer
from tasks.rendering import follow_up_mail

PATH = "/exports"
EXAMPLE = {"source": "flights", "query": "routes", "format": "csv"}

type ExportFormat = Literal["csv", "parquet", "xlsx", "json"]


def check_export(
    filters: dict[str, Any],
    format: ExportFormat,  # noqa: A002 - the name in the message
    mail: follow_up_mail.Mail | None,
    **names: str,
) -> dict[str, Any]:
    """The arguments with the defaults of the filters. Raises ``InvalidField``.

    ``names`` are ``type``, ``source`` and ``query``.
    """
    from tasks.exports import files

    asked = files.resolve_export(filters, names["type"], names["source"], names["query"])
    given = {name: text for name, text in names.items() if text}
    kwargs = {**given, "filters": asked.filters, "format": format}
    if mail is not None:
        kwargs["mail"] = follow_up_mail.build_mail_argument(mail, app.tasks)
    return kwargs


def build_rules() -> list[dict[str, Any]]:
    """Further JSON Schema of an order: each type and each query has its own filters."""
    from tasks.rendering.definitions import named_queries, report_types

    kinds = report_types.load_all_types().values()
    types = [build_rule(kind.definition.origin, type=kind.name) for kind in kinds]
    queries = [
        build_rule(one.origin, source=one.source, query=one.name)
        for one in named_queries.list_queries()
    ]
    return [{"anyOf": types + queries}]


def build_rule(origin: Any, **named: str) -> dict[str, Any]:
    """The JSON Schema of an order that names this type, or this source and query."""
    from tasks.rendering.definitions import report_types

    names = {name: {"const": named.get(name, "")} for name in ("type", "source", "query")}
    filters = {"filters": report_types.build_filter_schema(origin)}
    return {"properties": names | filters, "required": list(named)}


@app.retried_task(
    name="export",
    http=Offer(PATH, example=EXAMPLE, build_rules=build_rules),
    check=check_export,
)
def export_rows(
    self: Any,
    type: str = "",  # noqa: A002 - the name in the message
    source: str = "",
    query: str = "",
    filters: dict[str, Any] = {},  # noqa: B006 - it is not changed
    format: ExportFormat = "csv",  # noqa: A002 - as type
    mail: follow_up_mail.Mail | None = None,
) -> dict[str, Any]:
    """Order an export.

    The file has all rows of a report ``type``, or of a ``query`` of a ``source``. ``mail``
    sends a mail when the file is ready.

    The result is ``{"export": str, "rows": int}``, the fields of a file, ``read_as`` and
    ``warnings`` as in a report, and with ``mail`` also ``mail_id``, the id of the mail job.
    """
    from tasks.exports import files
    from tasks.rendering.process import build_progress_listener

    spec = files.resolve_export(filters, type, source, query)
    result = files.build_export(spec, format, build_progress_listener(self))
    if mail is None:
        return result
    summary = files.summarize_export(spec, result)
    return result | {"mail_id": follow_up_mail.enqueue_mail(self, mail, summary, result)}
