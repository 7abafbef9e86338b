"""Spreadsheets (XLSX), written row by row."""

import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tasks.rendering.data.queries import Selection, quote_name
from tasks.rendering.definitions.schema import Format, RenderProgress
from tasks.rendering.output.files import (
    ColumnTypes,
    ProgressListener,
    is_textless,
    read_column_types,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_PER_FETCH = 5_000
MAX_ROWS_PER_SHEET = 1_048_575
"""Rows of one sheet below its head; Excel takes no more, so another sheet follows."""
MAX_EXACT_INTEGER = 2**53
"""Beyond it a spreadsheet loses the last digits of a whole number: it is written as text."""
MAX_COLUMN_CHARACTERS = 48

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
LARGE_TYPES = ("BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT")


def write_workbook(
    connection: "DuckDBPyConnection",
    found: Selection,
    path: Path,
    total: int,
    heard: ProgressListener,
    formats: Mapping[str, Format],
) -> int:
    """Write the rows of a query; how many. What is no number or time is text, never a formula."""
    from rustpy_xlsxwriter import write_worksheets

    types = read_column_types(connection, found)
    shown = {
        name: formats.get(name) or FORMATS_BY_TYPE.get(kind, "text") for name, kind in types.items()
    }
    widths, taken = (
        _measure_widths(connection, found, types, shown),
        _build_cell_query(connection, found, types),
    )
    rows = _SheetRows(
        connection, taken, list(types), total, heard
    )  # nothing else is asked meanwhile
    sheets = dict(rows.sheets())
    each: dict[str, Any] = {
        "column_formats": dict.fromkeys(sheets, _build_formats(shown)),
        "column_widths": dict.fromkeys(sheets, widths),
        "header_format": dict.fromkeys(sheets, _build_head_format()),
        "autofilter": dict.fromkeys(sheets, True),
        "freeze_panes": {"general": {"row": 1, "col": 0}},
    }
    write_worksheets(list(sheets.items()), str(path), **each)
    remove_timestamps(path)
    return rows.done


class _SheetRows:
    """The rows of a query, for one sheet after the other."""

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        found: Selection,
        names: list[str],
        total: int,
        heard: ProgressListener,
    ) -> None:
        self._result = connection.execute(found.sql, dict(found.values))
        self._names, self._total, self._heard = names, total, heard
        self._left: list[tuple[Any, ...]] = []
        self.done = 0

    def sheets(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        """As many sheets as are needed, at least one."""
        for number in range(1, max(-(-self._total // MAX_ROWS_PER_SHEET), 1) + 1):
            yield f"Rows {number}", self._sheet()

    def _sheet(self) -> Iterator[dict[str, Any]]:
        most = MAX_ROWS_PER_SHEET
        if not self._total:
            yield dict.fromkeys(self._names)  # the head alone cannot be written
        while most and (some := self._result.fetchmany(min(ROWS_PER_FETCH, most))):
            most -= len(some)
            self.done += len(some)
            for row in some:
                yield dict(zip(self._names, row, strict=True))
            self._heard(RenderProgress(self.done, self._total, "writing"))


def _build_cell_query(
    connection: "DuckDBPyConnection", found: Selection, types: ColumnTypes
) -> Selection:
    """The query with what a cell cannot hold as text."""
    long = _find_long_columns(
        connection, found, [name for name, kind in types.items() if kind in LARGE_TYPES]
    )
    columns = ", ".join(
        quote_name(name) if _is_cell(kind) and name not in long else _cast_to_text(name)
        for name, kind in types.items()
    )
    return Selection(f"select {columns} from ({found.sql}\n)", found.values)  # noqa: S608 - quoted


def _is_cell(kind: str) -> bool:
    """Whether a cell can hold values of a type as they are: not a time of day, nor a zone."""
    if kind.startswith("TIME"):
        return kind == "TIMESTAMP"
    return kind == "VARCHAR" or is_textless(kind)


def _cast_to_text(name: str) -> str:
    return f"cast({quote_name(name)} as varchar) as {quote_name(name)}"


def _find_long_columns(
    connection: "DuckDBPyConnection", found: Selection, names: list[str]
) -> set[str]:
    """Which of the columns have numbers that a cell would round."""
    if not names:
        return set()
    asked = ", ".join(
        f"coalesce(max(abs({quote_name(name)}::double)) > {MAX_EXACT_INTEGER}, false)"
        for name in names
    )
    sql = f"select {asked} from ({found.sql}\n)"  # noqa: S608 - quoted
    (answers,) = connection.execute(sql, dict(found.values)).fetchall()
    return {name for name, is_long in zip(names, answers, strict=True) if is_long}


def _measure_widths(
    connection: "DuckDBPyConnection",
    found: Selection,
    types: ColumnTypes,
    shown: Mapping[str, Format],
) -> dict[str, float]:
    """About as wide as the first rows need."""
    longest = ", ".join(f"max(length(cast({quote_name(name)} as varchar)))" for name in types)
    sql = f"select {longest} from (from ({found.sql}\n) limit 1000)"  # noqa: S608 - quoted
    (lengths,) = connection.execute(sql, dict(found.values)).fetchall()
    needed = {
        name: max(len(name) + 3, 12 if shown[name] != "text" else length or 0)
        for name, length in zip(types, lengths, strict=True)
    }
    return {name: float(min(length + 1, MAX_COLUMN_CHARACTERS)) for name, length in needed.items()}


def _build_formats(shown: Mapping[str, Format]) -> dict[str, Any]:
    from rustpy_xlsxwriter import Format as Style

    return {
        name: Style().set_num_format(FORMAT_CODES[style])
        for name, style in shown.items()
        if style in FORMAT_CODES
    }


def _build_head_format() -> Any:
    from rustpy_xlsxwriter import Format as Style

    return Style().set_bold().set_font_color("#FFFFFF").set_background_color("#1F4E79")


CORE_PROPERTIES = "docProps/core.xml"
DATE_PATTERN = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FIXED_DATE = b"1980-01-01T00:00:00Z"
CENTRAL_SIGNATURE, HEADER_OFFSET = b"PK\x01\x02", 42


def remove_timestamps(path: Path) -> None:
    """Take the time of writing out of a workbook, or no two would be equal.

    Only that part is packed anew; the others are copied as they are, sheets are large.
    """
    draft = path.with_suffix(".draft")
    with zipfile.ZipFile(path) as old:
        parts = sorted(old.infolist(), key=lambda part: part.header_offset)
        start, directory = old.getinfo(CORE_PROPERTIES).header_offset, old.start_dir
        text = DATE_PATTERN.sub(FIXED_DATE, old.read(CORE_PROPERTIES))
    after = min((p.header_offset for p in parts if p.header_offset > start), default=directory)
    entry, record = _pack_part(text, start)
    with path.open("rb") as old, draft.open("wb") as new:
        _copy_bytes(old, new, 0, start)
        new.write(entry)
        _copy_bytes(old, new, after, directory)
        shift = new.tell() - directory
        old.seek(directory)
        new.write(_shift_directory(old.read(), record, start, shift))
    draft.replace(path)


def _pack_part(text: bytes, start: int) -> tuple[bytes, bytes]:
    """The part as it stands in an archive at ``start``, and its record in the directory."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(CORE_PROPERTIES), text, zipfile.ZIP_DEFLATED)
        directory = archive.start_dir
    data = buffer.getvalue()
    end = data.index(b"PK\x05\x06", directory)
    record = bytearray(data[directory:end])
    struct.pack_into("<L", record, HEADER_OFFSET, start)
    return data[:directory], bytes(record)


def _shift_directory(directory: bytes, record: bytes, start: int, shift: int) -> bytes:
    """The directory with one record replaced and what stood behind it moved."""
    records, at = [], 0
    while directory.startswith(CENTRAL_SIGNATURE, at):
        lengths = struct.unpack_from("<3H", directory, at + 28)
        one = bytearray(directory[at : at + 46 + sum(lengths)])
        at += len(one)
        (offset,) = struct.unpack_from("<L", one, HEADER_OFFSET)
        if offset > start:
            struct.pack_into("<L", one, HEADER_OFFSET, offset + shift)
        records.append(record if offset == start else bytes(one))
    end = bytearray(directory[at:])
    whole = b"".join(records)
    (place,) = struct.unpack_from("<L", end, 16)
    struct.pack_into("<2L", end, 12, len(whole), place + shift)
    return whole + bytes(end)


def _copy_bytes(old: BinaryIO, new: BinaryIO, start: int, stop: int) -> None:
    old.seek(start)
    while start < stop and (some := old.read(min(1 << 20, stop - start))):
        new.write(some)
        start += len(some)
