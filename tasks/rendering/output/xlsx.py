"""Writes rows as a spreadsheet (XLSX), a batch at a time."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from tasks.rendering.brands import Brand
from tasks.rendering.data.queries import Selection
from tasks.rendering.definitions.schema import Format, ProgressListener, RenderProgress
from tasks.rendering.output import columns
from tasks.rendering.output.cells import CellSource, select_cells
from tasks.rendering.output.columns import ColumnSource, ColumnTypes
from tasks.rendering.output.files import ColumnFormats, WrittenRows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_PER_FETCH = 5_000
MAX_ROWS_PER_SHEET = 1_048_575
"""Excel allows this many rows below the header; further rows go to another sheet."""
MAX_COLUMN_CHARACTERS = 48
MIN_NUMBER_CHARACTERS = 12
"""The width of a column with a number format is at least this."""
ROWS_TO_MEASURE = 1_000
"""Column widths follow from this many rows."""

FORMAT_CODES: dict[Format, str] = {
    "integer": "#,##0",
    "decimal": "#,##0.0",
    "money": "#,##0.00",
    "percent": "0.0%",
    "change": "+0.0%;-0.0%;0.0%",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
}
FORMATS_BY_TYPE: dict[str, Format] = {"DATE": "date", "TIMESTAMP": "datetime"}

CORE_PROPERTIES = "docProps/core.xml"
"""The part of a workbook with the time it was written."""
DATE_PATTERN = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FIXED_DATE = b"1980-01-01T00:00:00Z"
BYTES_PER_COPY = 1 << 20


class SheetStyle(NamedTuple):
    """How a spreadsheet looks; programs show its numbers and dates by the locale of their user.

    ``formats`` are those of columns, by name. Money has the ``currency``, a code such as EUR.
    """

    formats: ColumnFormats = MappingProxyType({})
    currency: str = ""
    header_color: str = Brand().dark


def write_workbook(
    connection: "DuckDBPyConnection",
    selection: Selection,
    path: Path,
    total: int,
    on_progress: ProgressListener,
    style: SheetStyle,
) -> WrittenRows:
    """Write the ``total`` rows of a query to ``path``.

    Values that are no number or time are written as text, never as a formula.
    """
    from rustpy_xlsxwriter import write_worksheets

    source = columns.open_source(connection, selection)
    column_formats = _choose_formats(source.types, style.formats)
    widths = _measure_widths(connection, source, column_formats)
    cells = select_cells(connection, source)
    # The connection holds one open result: run no other query until all rows are fetched.
    rows = _SheetRows(connection, cells, list(source.types), total, on_progress)
    sheets = dict(rows.sheets())
    options: dict[str, Any] = {
        "column_formats": dict.fromkeys(sheets, _build_styles(column_formats, style.currency)),
        "column_widths": dict.fromkeys(sheets, widths),
        "header_format": dict.fromkeys(sheets, _build_header_style(style.header_color)),
        "autofilter": dict.fromkeys(sheets, True),
        "freeze_panes": {"general": {"row": 1, "col": 0}},
    }
    write_worksheets(list(sheets.items()), str(path), **options)
    remove_timestamps(path)
    return WrittenRows(rows.done, cells.describe_cuts())


class _SheetRows:
    """The rows of one open query, split over as many sheets as they need."""

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        cells: CellSource,
        names: list[str],
        total: int,
        on_progress: ProgressListener,
    ) -> None:
        self._result = connection.execute(cells.selection.sql, dict(cells.selection.values))
        self._convert = cells.convert
        self._names, self._total, self._on_progress = names, total, on_progress
        self.done = 0

    def sheets(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        """Yield the name and the rows of each sheet; at least one. Consume them in order."""
        for number in range(1, max(-(-self._total // MAX_ROWS_PER_SHEET), 1) + 1):
            yield f"Rows {number}", self._sheet()

    def _sheet(self) -> Iterator[dict[str, Any]]:
        room = MAX_ROWS_PER_SHEET
        if not self._total:
            yield dict.fromkeys(self._names)  # the library cannot write a header without a row
        while room and (batch := self._result.fetchmany(min(ROWS_PER_FETCH, room))):
            room -= len(batch)
            self.done += len(batch)
            for row in self._convert(batch):
                yield dict(zip(self._names, row, strict=True))
            self._on_progress(RenderProgress(self.done, self._total, "writing"))


def _choose_formats(types: ColumnTypes, formats: ColumnFormats) -> dict[str, Format]:
    """Return the format of each column: the given one, or that of its type."""

    def choose(name: str, column_type: str) -> Format:
        given = formats.get(name, "text")
        return FORMATS_BY_TYPE.get(column_type, "text") if given == "text" else given

    return {name: choose(name, column_type) for name, column_type in types.items()}


def _measure_widths(
    connection: "DuckDBPyConnection", source: ColumnSource, formats: ColumnFormats
) -> dict[str, float]:
    """Return the width of each column in characters, from its name and the first rows."""
    values = ", ".join(f"max(length({columns.cast_to_text(name)}))" for name in formats)
    sql = f"select {values} from (from {source.sql} limit {ROWS_TO_MEASURE})"  # noqa: S608 - names are quoted
    (lengths,) = connection.execute(sql, dict(source.selection.values)).fetchall()
    return {
        name: _compute_width(name, column_format, length or 0)
        for (name, column_format), length in zip(formats.items(), lengths, strict=True)
    }


def _compute_width(name: str, column_format: Format, longest: int) -> float:
    content = longest if column_format == "text" else MIN_NUMBER_CHARACTERS
    header = len(name) + 3  # the filter button takes this much
    return float(min(max(header, content) + 1, MAX_COLUMN_CHARACTERS))


def _build_styles(formats: ColumnFormats, currency: str) -> dict[str, Any]:
    from rustpy_xlsxwriter import Format as Style

    codes = FORMAT_CODES | {"money": _build_money_code(currency)}
    return {
        name: Style().set_num_format(codes[column_format])
        for name, column_format in formats.items()
        if column_format in codes
    }


def _build_money_code(currency: str) -> str:
    """Return the code of an amount, with the usual decimals and the name of the currency."""
    if not currency:
        return FORMAT_CODES["money"]
    from babel.numbers import get_currency_precision

    decimals = get_currency_precision(currency)
    return f'#,##0{"." if decimals else ""}{"0" * decimals} "{currency}"'


def _build_header_style(color: str) -> Any:
    from rustpy_xlsxwriter import Format as Style

    return Style().set_bold().set_font_color("#FFFFFF").set_background_color(color)


def remove_timestamps(path: Path) -> None:
    """Replace the times in a workbook by a fixed one, so that equal rows give equal bytes.

    Only ``CORE_PROPERTIES`` is compressed anew. The other parts are copied as they are, because
    sheets can be large.
    """
    draft = path.with_suffix(".draft")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(draft, "w") as new, path.open("rb") as raw:
        parts = sorted(old.infolist(), key=lambda part: part.header_offset)
        ends = [*(part.header_offset for part in parts[1:]), old.start_dir]
        for part, end in zip(parts, ends, strict=True):
            if part.filename == CORE_PROPERTIES:
                text = DATE_PATTERN.sub(FIXED_DATE, old.read(part))
                new.writestr(zipfile.ZipInfo(part.filename), text, zipfile.ZIP_DEFLATED)
            else:
                _copy_part(part, end, raw, new)
    draft.replace(path)


def _copy_part(part: zipfile.ZipInfo, end: int, raw: IO[bytes], target: zipfile.ZipFile) -> None:
    """Append a part, compressed as it is, from ``raw`` to an archive that is being written."""
    file = target.fp
    assert file  # noqa: S101 - the archive is open
    start, part.header_offset = part.header_offset, target.start_dir
    file.seek(target.start_dir)
    raw.seek(start)
    while start < end and (block := raw.read(min(BYTES_PER_COPY, end - start))):
        start += file.write(block)
    target.start_dir = file.tell()
    target.filelist.append(part)
    target.NameToInfo[part.filename] = part
