"""What the commands print: aligned columns for people, one JSON document for programs."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from continuo_client.records import Progress, Record

GAP = "  "
CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""The categories of Unicode that a line must not have: controls and ends of lines."""

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""The characters that turn the direction of a text."""


def replace_unprintable(text: str) -> str:
    """Replace each control, and each character that turns the direction of the text."""
    return "".join(
        " " if character in TURNING or unicodedata.category(character) in CONTROLS else character
        for character in text
    )


def print_json(document: Any) -> None:
    """Print a JSON document."""
    print_lines([json.dumps(document, indent=2, ensure_ascii=False)])


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def format_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """The lines of a table with aligned columns, its head in capitals."""
    cells = [
        [name.upper() for name in head],
        *([format_cell(cell) for cell in row] for row in rows),
    ]
    return align(cells)


def align(cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of rows whose columns begin at the same places."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def format_cell(value: Any) -> str:
    """A value in one line, without controls; a dash for none."""
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return replace_unprintable(",".join(map(str, value)))
    return replace_unprintable(str(value))


def format_time(at: float | None) -> str:
    """A time in seconds since 1970, as the clock of this machine shows it; a dash for none."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def format_progress(progress: Progress | None) -> str:
    """Progress such as ``40/100 rows read``, "" for none."""
    if not progress:
        return ""
    total = "" if progress.get("total") is None else f"/{progress['total']}"
    return f"{progress['done']}{total} {progress.get('note', '')}".strip()


def format_change(change: dict[str, Any]) -> str:
    """The line about a change of a job: its status, its attempt and its progress."""
    parts = [
        format_time(change.get("at") or change.get("updated_at")),
        change["status"],
        f"attempt {change['attempts']}",
        format_progress(change.get("progress")),
    ]
    return replace_unprintable(GAP.join(filter(None, parts)))


def format_record(record: Record[Any]) -> list[str]:
    """The lines about a job: a name and a value each, then the text of its last error."""
    facts = {
        "id": record["id"],
        "kind": record["kind"],
        "status": record["status"],
        "queue": record["queue"],
        "attempts": f"{record['attempts']} of {record['max_retries']}",
        "ordered": format_time(record["created_at"]),
        "due": format_time(record.get("due_at")),
        "started": format_time(record["started_at"]),
        "finished": format_time(record["finished_at"]),
        "tags": record["tags"],
        "progress": format_progress(record.get("progress")),
        "position": record.get("position"),
        "result": format_result(record["result"]),
    }
    cells = [[name, format_cell(value)] for name, value in facts.items()]
    lines = align([row for row in cells if row[1] != "-"])
    return [*lines, *format_error(record["error"])]


def format_result(result: Any) -> str | None:
    """The result as JSON in one line, None for none."""
    return None if result is None else json.dumps(result, ensure_ascii=False)


def format_error(text: str) -> list[str]:
    """The lines of a traceback, indented, under a head."""
    lines = text.rstrip().splitlines()
    return ["error", *(f"{GAP}{replace_unprintable(line)}" for line in lines)] if lines else []
