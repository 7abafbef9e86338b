"""Generate parts of Markdown pages; the text around them stays."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

type PageParts = Mapping[str, Callable[[], str]]


def part_names_of(page: str, command: str) -> list[str]:
    """The parts of a page that a command generates."""
    return [name for _, name, _ in _compile_pattern(command).findall(page)]


def renew_parts(page: str, command: str, parts: PageParts) -> str:
    """The page with these parts replaced."""
    return _compile_pattern(command).sub(
        lambda part: f"{part[1]}\n{parts[part[2]]().strip()}\n\n{part[3]}", page
    )


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, or "" without rows."""
    lines = [_format_row(cells) for cells in rows]
    return "\n".join([_format_row(head), "|" + "---|" * len(head), *lines]) if lines else ""


def _format_row(cells: Sequence[str]) -> str:
    shown = (cell.replace("|", "\\|") for cell in cells)
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in shown)}|"


def _compile_pattern(command: str) -> re.Pattern[str]:
    mark = re.escape(f"<!-- made by python -m {command}: ")
    return re.compile(rf"({mark}(\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
