"""Reports as files: ordered from the press, put in one file, kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from project.artifacts import links
from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.filters import check
from tasks.rendering.definitions.parameters import format_all_filters
from tasks.rendering.definitions.schema import Output, RenderOrder, RenderResult
from tasks.rendering.follow_up_mail import ResultSummary
from tasks.rendering.output.zip import zip_files
from tasks.rendering.process import ProgressListener, run_render_process

OUTPUTS: tuple[Output, ...] = ("pdf", "xlsx", "csv", "parquet", "json", "html")


def check_outputs(outputs: Sequence[object]) -> None:
    """Raise ``InvalidField`` on ``format`` when one is not known, comes twice, or none is there."""
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
    heard: ProgressListener = lambda _: None,
) -> dict[str, Any]:
    """Make and keep the report; what the job's result says.

    The same type, filters and data give the same bytes. Raises ``TransientError`` when the
    press ran out of time, memory or disk or was killed, ``PermanentError`` when the type,
    its SQL or a filter is wrong.
    """
    with links.open_workshop() as folder:
        order = build_report_order(report_type, filters, outputs, folder, archival=archival)
        made = run_render_process(order, heard)
        file = pack_files(made, folder, f"{report_type}-report")
        artifact = links.store_artifact(file, file.name)
        about = links.describe_artifact(artifact, file)
    pages = {} if made.pages is None else {"pages": made.pages}
    covers = {"covers": made.covers} if made.covers else {}
    return {
        "report_type": report_type,
        "rows_processed": made.rows,
        **about,
        "rows": made.lines,
        **pages,
        **covers,
    }


def summarize_report(filters: Mapping[str, Any], result: Mapping[str, Any]) -> ResultSummary:
    """What a result tells of, in words."""
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
) -> RenderOrder:
    """The order for the press. Raises ``PermanentError``: the job was checked when it came in."""
    try:
        checked = check(report_type, filters)
        check_outputs(outputs)
    except InvalidField as error:
        raise PermanentError(str(error)) from error
    kind = report_types.find_type(report_type)
    return RenderOrder(
        name=f"{report_type}-report",
        origin=kind.definition.origin,
        definition=kind.definition,
        sql=kind.sql,
        filters=checked,
        outputs=list(outputs),
        home=str(kind.home),
        folder=str(folder),
        demo_dir=str(get_settings().data_dir / "demo"),
        database_url=get_settings().database_url,
        archival=archival,
    )


def pack_files(made: RenderResult, folder: Path, name: str) -> Path:
    """The file when there is one, else a zip of them."""
    files = [folder / file for file in made.files.values()]
    return files[0] if len(files) == 1 else zip_files(files, folder / f"{name}.zip")
