"""Renders a report, packs its files into one and stores it as an artifact."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from project.artifacts import links
from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings
from tasks.rendering.brands import find_brand
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.filters import check_filters
from tasks.rendering.definitions.parameters import format_all_filters
from tasks.rendering.definitions.schema import (
    Output,
    ProgressListener,
    RenderOrder,
    RenderResult,
)
from tasks.rendering.follow_up_mail import ResultSummary
from tasks.rendering.output.zip import zip_files
from tasks.rendering.process import describe_reading, run_render_process
from tasks.rendering.regions import Region, check_region
from tasks.rendering.settings import get_rendering_settings

OUTPUTS: tuple[Output, ...] = ("pdf", "xlsx", "csv", "parquet", "json", "html")


def check_outputs(outputs: Sequence[object]) -> None:
    """Raise ``InvalidField`` for ``format`` if it is empty, has a duplicate or an unknown one."""
    if not outputs or len(set(map(str, outputs))) < len(outputs):
        raise InvalidField("format", f"must be one or several of {', '.join(OUTPUTS)}, each once")
    if any(output not in OUTPUTS for output in outputs):
        raise InvalidField("format", f"must be one or several of {', '.join(OUTPUTS)}")


def build_report(
    report_type: str,
    filters: Mapping[str, Any],
    outputs: Sequence[Output] = ("pdf",),
    *,
    archival: bool = False,
    region: Mapping[str, str] | None = None,
    tenant: str = "",
    on_progress: ProgressListener = lambda _: None,
) -> dict[str, Any]:
    """Render and store the report; return the result of the job.

    Equal types, filters and data give equal bytes on the same day. Raises ``TransientError`` when
    the render process ran out of time, memory or disk or was killed, and ``PermanentError`` when
    the type, its SQL or a filter is wrong.
    """
    with links.open_workshop() as folder:
        order = build_report_order(
            report_type, filters, outputs, folder, archival=archival, region=region, tenant=tenant
        )
        rendered = run_render_process(order, on_progress)
        file = pack_files(rendered, folder, f"{report_type}-report")
        artifact = links.store_artifact(file, file.name)
        description = links.describe_artifact(artifact, file)
    pages = {} if rendered.pages is None else {"pages": rendered.pages}
    covers = {"covers": rendered.covers} if rendered.covers else {}
    return {
        "report_type": report_type,
        "rows_processed": rendered.rows,
        **description,
        "rows": rendered.lines,
        **pages,
        **covers,
        **describe_reading(rendered),
    }


def summarize_report(filters: Mapping[str, Any], result: Mapping[str, Any]) -> ResultSummary:
    """Describe the result of a report for a mail."""
    origin = report_types.find_type(result["report_type"]).definition.origin
    covers = [("Covers", result["covers"])] if "covers" in result else []
    facts = [*covers, *format_all_filters(origin.parameters, filters)]
    return ResultSummary(origin.title, facts, result["rows_processed"])


def build_report_order(
    report_type: str,
    filters: Mapping[str, Any],
    outputs: Sequence[Output],
    folder: Path,
    *,
    archival: bool = False,
    region: Mapping[str, str] | None = None,
    tenant: str = "",
) -> RenderOrder:
    """Build the order for the render process, with the brand of the ``tenant``.

    Raises ``PermanentError`` for invalid arguments: the API checked them, so the type has changed.
    """
    try:
        checked = check_filters(report_type, filters)
        check_outputs(outputs)
        readers = resolve_region(region or {})
    except InvalidField as error:
        raise PermanentError(str(error)) from error
    found = report_types.find_type(report_type)
    return RenderOrder(
        name=f"{report_type}-report",
        origin=found.definition.origin,
        definition=found.definition,
        sql=found.sql,
        filters=checked,
        outputs=list(outputs),
        home=str(found.home),
        folder=str(folder),
        demo_dir=str(get_settings().data_dir / "demo"),
        database_url=get_rendering_settings().database_url,
        archival=archival,
        region=readers,
        brand=find_brand(get_rendering_settings().brands_dir, tenant),
        made_on=datetime.now(ZoneInfo(readers.zone or "UTC")).date(),
    )


def resolve_region(given: Mapping[str, str]) -> Region:
    """Return the region of an order, with the settings for what it leaves out.

    Raises ``InvalidField``.
    """
    region = parse_region(msgspec.structs.asdict(get_rendering_settings().region) | dict(given))
    check_region(region)
    return region


def parse_region(fields: Mapping[str, str]) -> Region:
    """The region with these fields. Raises ``InvalidField``."""
    try:
        return msgspec.convert(fields, Region)
    except msgspec.ValidationError as error:
        raise InvalidField("region", str(error)) from None


def pack_files(rendered: RenderResult, folder: Path, name: str) -> Path:
    """Return the only file, or a zip of several files named ``name``."""
    files = [folder / file for file in rendered.files.values()]
    return files[0] if len(files) == 1 else zip_files(files, folder / f"{name}.zip")
