"""Reads Parquet and JSON files: joins them by name, with types that hold every value exactly."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.rendering.data.table_files import (
    InvalidFile,
    TableFiles,
    TableSource,
    fetch_row,
    join_by_name,
    quote_name,
    quote_paths,
)
from tasks.rendering.data.type_inference import (
    MOMENTS,
    check_all,
    choose_types,
    infer_types,
)
from tasks.rendering.definitions.column_types import TEXT, ColumnType, parse_type

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

type Columns = dict[str, str]
"""DuckDB type by column name."""

INTEGERS = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT",
    "UBIGINT", "HUGEINT", "UHUGEINT")  # fmt: skip
TIMES = ("DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS")
_EVERY_FILE = "sample_size = -1, maximum_sample_files = 1000000, union_by_name = true"


def read_parquet_files(
    connection: "DuckDBPyConnection", name: str, files: TableFiles
) -> TableSource:
    """Return how to read the Parquet files of a table. Raises ``InvalidFile``."""
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path in files.paths:
        columns = _describe(connection, f"select * from read_parquet({quote_paths([path])})")  # noqa: S608 - quoted
        groups.setdefault(tuple(columns.items()), []).append(path)
    parts = [
        (f"select * from read_parquet({quote_paths(paths)})", dict(columns))  # noqa: S608 - quoted
        for columns, paths in groups.items()
    ]
    types = _join_types(connection, parts) | _fixed_types(name, parts, files.types)
    sql = join_by_name([_cast_part(*part, types) for part in parts])
    _check_fixed(connection, parts, types, files.types)
    return TableSource(sql, types)


def read_json_files(connection: "DuckDBPyConnection", name: str, files: TableFiles) -> TableSource:
    """Return how to read the JSON files of a table. Raises ``InvalidFile``."""
    paths = quote_paths(files.paths)
    detected = f"select * from read_json({paths}, {_EVERY_FILE})"  # noqa: S608 - quoted
    columns = _describe(connection, detected)
    simple = [each for each, kind in columns.items() if "(" not in kind and "[" not in kind]
    is_record = columns.keys() != {"json"} and len({each.casefold() for each in columns}) == len(
        columns
    )
    fixed = _fixed_types(name, [("", columns)], files.types)
    if not is_record or not simple:
        return TableSource(detected, columns)
    given = ", ".join(
        f"{quote_name(each)}: '{'JSON' if each in simple else kind.replace(chr(39), chr(39) * 2)}'"
        for each, kind in columns.items()
    )
    source = f"select * from read_json({paths}, columns = {{{given}}})"  # noqa: S608 - quoted
    types = _infer_json_types(connection, source, simple) | {
        each: parse_type(kind) for each, kind in fixed.items()
    }
    selected = ", ".join(
        f"{types[each].cast(_text_of(each))} as {quote_name(each)}"
        if each in types
        else quote_name(each)
        for each in columns
    )
    _check_json(connection, source, {each: types[each] for each in fixed})
    shown = {each: str(types.get(each, kind)) for each, kind in columns.items()}
    return TableSource(f"select {selected} from ({source})", shown)  # noqa: S608 - quoted


def _infer_json_types(
    connection: "DuckDBPyConnection", source: str, names: Sequence[str]
) -> dict[str, ColumnType]:
    """Return the types of columns: numbers and dates as in CSV, but a text is never a number."""
    kinds = ", ".join(
        f"list(distinct nullif(json_type({quote_name(name)}), 'NULL'))" for name in names
    )
    seen = fetch_row(connection, f"select {kinds} from ({source})")  # noqa: S608 - names are quoted
    by_name = {name: set(found or ()) - {None} for name, found in zip(names, seen, strict=True)}
    texts = ", ".join(f"{_text_of(name)} as {quote_name(name)}" for name in names)
    source = f"select {texts} from ({source})"  # noqa: S608 - names are quoted
    numbers = [n for n in names if by_name[n] and by_name[n] <= {"UBIGINT", "BIGINT", "DOUBLE"}]
    strings = {
        n: [ColumnType(kind) for kind in MOMENTS] for n in names if by_name[n] == {"VARCHAR"}
    }
    flags = {n: ColumnType("BOOLEAN") for n in names if by_name[n] == {"BOOLEAN"}}
    found = dict.fromkeys(names, TEXT) | flags
    if strings:
        found |= choose_types(connection, source, strings)
    if numbers:
        columns = ", ".join(map(quote_name, numbers))
        found |= infer_types(connection, f"select {columns} from ({source})", numbers)  # noqa: S608 - names are quoted
    return found


def _text_of(name: str) -> str:
    return f"({quote_name(name)} ->> '$')"


def _describe(connection: "DuckDBPyConnection", sql: str) -> Columns:
    rows = connection.execute(f"describe {sql}").fetchall()
    return {name: "VARCHAR" if kind == '"NULL"' else kind for name, kind, *_ in rows}


def _join_types(connection: "DuckDBPyConnection", parts: Sequence[tuple[str, Columns]]) -> Columns:
    """Return the type of each column of all parts: the narrowest that holds every value."""
    spellings: dict[str, str] = {}
    kinds: dict[str, list[str]] = {}
    for _, columns in parts:
        for name, kind in columns.items():
            spellings.setdefault(name.casefold(), name)
            kinds.setdefault(name.casefold(), []).append(kind)
    return {
        spellings[name]: _join_type(connection, parts, name, list(dict.fromkeys(found)))
        for name, found in kinds.items()
    }


def _join_type(
    connection: "DuckDBPyConnection",
    parts: Sequence[tuple[str, Columns]],
    name: str,
    kinds: Sequence[str],
) -> str:
    if len(kinds) == 1:
        return kinds[0]
    for kind in _common_types(kinds):
        if all(_holds(connection, sql, columns, name, kind) for sql, columns in parts):
            return kind
    return "VARCHAR"


def _common_types(kinds: Sequence[str]) -> list[str]:
    """Return types that may hold the values of all ``kinds``, the narrowest first."""
    names = [kind.partition("(")[0] for kind in kinds]
    if all(name in TIMES for name in names):
        return ["TIMESTAMP", "TIMESTAMP_NS"]
    if not all(name in INTEGERS or name in ("DECIMAL", "FLOAT", "DOUBLE") for name in names):
        return []
    scale = max(int(kind[:-1].split(",")[1]) if kind.startswith("DECIMAL") else 0 for kind in kinds)
    decimals = [f"DECIMAL(38,{scale})"] if scale else ["DECIMAL(38,2)", "DECIMAL(38,9)"]
    if any(name in ("FLOAT", "DOUBLE") for name in names):
        return ["DOUBLE", *decimals]
    return [f"DECIMAL(38,{scale})"] if "DECIMAL" in names else ["BIGINT", "HUGEINT", "UHUGEINT"]


def _holds(
    connection: "DuckDBPyConnection", sql: str, columns: Columns, name: str, kind: str
) -> bool:
    """Return whether a type gives back every value of a column of one part."""
    own = next((each for each in columns if each.casefold() == name), None)
    if own is None or columns[own] == kind:
        return True
    column = quote_name(own)
    back = f"try_cast(try_cast({column} as {kind}) as {columns[own]})"
    is_same = f"cast({back} as varchar) is not distinct from cast({column} as varchar)"
    is_text_same = ""
    if columns[own].startswith(("DECIMAL", *INTEGERS)) and kind == "DOUBLE":
        is_text_same = f" and abs({column}) <= 9007199254740992"
    return all(check_all(connection, sql, [f"{is_same}{is_text_same}"]))


def _fixed_types(
    table: str, parts: Sequence[tuple[str, Columns]], fixed: Mapping[str, str]
) -> Columns:
    known = {name.casefold(): name for _, columns in reversed(parts) for name in columns}
    for name in fixed:
        if name.casefold() not in known:
            raise InvalidFile(
                f"types.{table}.{name}: no file has this column; "
                f"the columns are {', '.join(known.values())}"
            )
    return {known[name.casefold()]: kind for name, kind in fixed.items()}


def _cast_part(sql: str, columns: Columns, types: Columns) -> str:
    kinds = {name.casefold(): (name, kind) for name, kind in types.items()}
    casts = []
    for own, kind in columns.items():
        name, wanted = kinds[own.casefold()]
        column = quote_name(own)
        if wanted != kind:
            is_text = kind == "VARCHAR"
            column = (
                parse_type(wanted).cast(column) if is_text else f"try_cast({column} as {wanted})"
            )
        casts.append(f"{column} as {quote_name(name)}")
    return f"select {', '.join(casts)} from ({sql})"  # noqa: S608 - names are quoted


def _check_fixed(
    connection: "DuckDBPyConnection",
    parts: Sequence[tuple[str, Columns]],
    types: Columns,
    fixed: Mapping[str, str],
) -> None:
    """Raise ``InvalidFile`` for a column with a value that its fixed type does not hold."""
    for name in (name for name in types if name.casefold() in {each.casefold() for each in fixed}):
        for sql, columns in parts:
            own = next((each for each in columns if each.casefold() == name.casefold()), None)
            if own is None:
                continue
            if columns[own] == "VARCHAR":
                condition = parse_type(types[name]).holds(quote_name(own))
                is_fit = all(check_all(connection, sql, [condition]))
            else:
                is_fit = _holds(connection, sql, columns, name.casefold(), types[name])
            if not is_fit:
                raise InvalidFile(f"column {name} has a value that is not {types[name]}")


def _check_json(
    connection: "DuckDBPyConnection", source: str, fixed: Mapping[str, ColumnType]
) -> None:
    conditions = [kind.holds(_text_of(name)) for name, kind in fixed.items()]
    for (name, kind), is_fit in zip(
        fixed.items(), check_all(connection, source, conditions), strict=True
    ):
        if not is_fit:
            text = _text_of(name)
            sql = f"select {text} from ({source}) where not ({kind.holds(text)}) limit 1"  # noqa: S608 - quoted
            (value,) = fetch_row(connection, sql)
            raise InvalidFile(f"column {name} has {value[:80]!r}, which is not {kind}")
