"""Reports as files: ordered from the press, put in one file, kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from project.artifacts import links
from project.errors import InvalidField, PermanentError
from project.settings.values import settings
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.filters import check
from tasks.rendering.definitions.parameters import spelled
from tasks.rendering.definitions.schema import Made, Order, Output
from tasks.rendering.follow_up_mail import About
from tasks.rendering.output.zip import zipped
from tasks.rendering.process import Listener, pressed

OUTPUTS: tuple[Output, ...] = ("pdf", "xlsx", "csv", "parquet", "json", "html")


def check_outputs(outputs: Sequence[object]) -> None:
    """Raise ``InvalidField`` on ``format`` when one is not known, comes twice, or none is there."""
    if not outputs or len(set(map(str, outputs))) < len(outputs):
        raise InvalidField("format", f"must be one or several of {', '.join(OUTPUTS)}, each once")
    if any(output not in OUTPUTS for output in outputs):
        raise InvalidField("format", f"must be one or several of {', '.join(OUTPUTS)}")


def build(
    report_type: str,
    filters: Mapping[str, Any],
    outputs: Sequence[Output] = ("pdf",),
    *,
    archival: bool = False,
    heard: Listener = lambda _: None,
) -> dict[str, Any]:
    """Make and keep the report; what the job's result says.

    The same type, filters and data give the same bytes. Raises ``TransientError`` when the
    press ran out of time, memory or disk or was killed, ``PermanentError`` when the type,
    its SQL or a filter is wrong.
    """
    with links.workshop() as folder:
        order = ordered(report_type, filters, outputs, folder, archival=archival)
        made = pressed(order, heard)
        file = packed(made, folder, f"{report_type}-report")
        artifact = links.keep(file, file.name)
        about = links.described(artifact, file)
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


def about(filters: Mapping[str, Any], result: Mapping[str, Any]) -> About:
    """What a result tells of, in words."""
    origin = report_types.find(result["report_type"]).definition.origin
    covers = [("Covers", result["covers"])] if "covers" in result else []
    facts = [*covers, *spelled(origin.parameters, filters)]
    return About(origin.title, facts, result["rows_processed"])


def ordered(
    report_type: str,
    filters: Mapping[str, Any],
    outputs: Sequence[Output],
    folder: Path,
    *,
    archival: bool = False,
) -> Order:
    """The order for the press. Raises ``PermanentError``: the job was checked when it came in."""
    try:
        checked = check(report_type, filters)
        check_outputs(outputs)
    except InvalidField as error:
        raise PermanentError(str(error)) from error
    kind = report_types.find(report_type)
    return Order(
        name=f"{report_type}-report",
        origin=kind.definition.origin,
        definition=kind.definition,
        sql=kind.sql,
        filters=checked,
        outputs=list(outputs),
        home=str(kind.home),
        folder=str(folder),
        demo_dir=str(settings().data_dir / "demo"),
        database_url=settings().database_url,
        archival=archival,
    )


def packed(made: Made, folder: Path, name: str) -> Path:
    """The file when there is one, else a zip of them."""
    files = [folder / file for file in made.files.values()]
    return files[0] if len(files) == 1 else zipped(files, folder / f"{name}.zip")
