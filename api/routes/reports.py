"""The route that lists the types of reports. The kind ``report`` has the others."""

from typing import Any

import msgspec

from api.http.routing import Answer, Request, Router
from tasks.rendering.definitions import report_types
from tasks.reports import PATH, documents

routes = Router()

report_types.load_all_types()  # a wrong type keeps the API from starting


class ReportType(msgspec.Struct, frozen=True):
    """A report type; ``filters`` is the JSON Schema of its filters."""

    type: str
    title: str
    description: str
    filters: dict[str, Any]
    formats: list[str]


class ReportTypes(msgspec.Struct, frozen=True):
    """All report types."""

    types: list[ReportType]


@routes.get(
    PATH + "/types",
    answers={200: ReportTypes},
    errors=(),
    summary="List what can be reported on",
    tags=["reports"],
)
async def list_types(_: Request) -> Answer:
    """Answer all types with the JSON Schema of their filters."""
    return Answer(
        ReportTypes([describe_type(kind) for kind in report_types.load_all_types().values()])
    )


def describe_type(kind: report_types.ReportTypeFolder) -> ReportType:
    """One type as clients see it."""
    definition = kind.definition
    return ReportType(
        type=kind.name,
        title=definition.title,
        description=definition.description,
        filters=report_types.build_filter_schema(definition.origin),
        formats=list(documents.OUTPUTS),
    )
