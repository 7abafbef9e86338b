"""Print the tables of the docs from ``--json`` files: ``python -m tests.chaos.page FILE [FILE]``.

The first file comes from a run without options, the second from a run with ``--stock``.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.judge.row_result import format_figure

OUR_COLUMNS = {
    "row": "row",
    "enqueued": "jobs",
    "lost": "lost",
    "accepted_twice": "finishes accepted twice",
    "killed": "killed processes",
    "effects_twice": "effects run twice",
    "once_twice": "through `once`",
    "overlapping": "overlapping",
    "recovery": "worst recovery, s",
    "resume": "worst resume, s",
}
COMPARED_COLUMNS = {
    "row": "row",
    "enqueued": "jobs",
    "lost": "not done",
    "late": "of these still in Redis",
    "killed": "killed processes",
    "accepted_twice": "finishes accepted twice",
    "effects_twice": "effects run twice",
    "overlapping": "overlapping",
    "recovery": "worst recovery, s",
    "resume": "worst resume, s",
}


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    ours, *others = (json.loads(Path(name).read_text())["rows"] for name in arguments)
    print_text(format_table(OUR_COLUMNS, ours))
    for stock in others:
        print_text("")
        print_text(format_table(COMPARED_COLUMNS, pair_rows(ours, stock)))


def pair_rows(ours: list[dict[str, Any]], stock: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that both runs have: each of ours, followed by stock Celery's."""
    rows: list[dict[str, Any]] = []
    for mine in ours:
        theirs = [row for row in stock if row["row"].startswith(f"{mine['row']} (")]
        rows += [mine, *theirs] if theirs else []
    return rows


def format_table(columns: dict[str, str], rows: Iterable[dict[str, Any]]) -> str:
    """Format the rows as a Markdown table."""
    head = [f"| {' | '.join(columns.values())} |", f"|---{'|---:' * (len(columns) - 1)}|"]
    body = [f"| {' | '.join(format_figure(row[name]) for name in columns)} |" for row in rows]
    return "\n".join([*head, *body])


def print_text(text: str) -> None:
    """Print text to stdout."""
    print(text)  # noqa: T201 - a command line program


if __name__ == "__main__":
    main(sys.argv[1:])
