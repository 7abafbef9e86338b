"""PDFs of reports, rendered by a real process and read back."""

import io
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pypdf

from project.artifacts import links
from tasks.rendering.definitions.schema import Limits, RenderOrder, RenderResult
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order


class Report(NamedTuple):
    """A PDF, and how many rows it was made of."""

    pdf: bytes
    rows: int
    made: RenderResult


def make_folder(folder: Path) -> Path:
    made = folder / uuid.uuid4().hex
    made.mkdir()
    return made


def with_sql(order: RenderOrder, sql: str, seconds: int = 60) -> RenderOrder:
    limits = Limits(table_rows=500, seconds=seconds)
    assert order.definition
    return msgspec.structs.replace(
        order,
        sql=sql,
        definition=msgspec.structs.replace(order.definition, limits=limits),
        origin=msgspec.structs.replace(order.origin, limits=limits),
    )


def render_pdf(order: RenderOrder) -> Report:
    """What the press makes of an order of a PDF; in a folder that it has for itself."""
    folder = make_folder(Path(order.folder))
    made = run_render_process(msgspec.structs.replace(order, folder=str(folder)))
    return Report((folder / made.files["pdf"]).read_bytes(), made.rows, made)


def build_pdf(report_type: str, filters: dict[str, Any]) -> Report:
    with links.open_workshop() as folder:
        return render_pdf(build_report_order(report_type, filters, ["pdf"], folder))


def pages(report: Report) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(report.pdf)).pages]
