"""Parts of Markdown pages that are made by a command; what a person wrote around them stays."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

type Parts = Mapping[str, Callable[[], str]]


def names_of(page: str, command: str) -> list[str]:
    """The parts of a page that a command makes."""
    return [name for _, name, _ in _parts(command).findall(page)]


def renewed(page: str, command: str, parts: Parts) -> str:
    """The page with those parts made anew."""
    return _parts(command).sub(
        lambda part: f"{part[1]}\n{parts[part[2]]().strip()}\n\n{part[3]}", page
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing when it has no rows."""
    lines = [_row(cells) for cells in rows]
    return "\n".join([_row(head), "|" + "---|" * len(head), *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    shown = (cell.replace("|", "\\|") for cell in cells)
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in shown)}|"


def _parts(command: str) -> re.Pattern[str]:
    mark = re.escape(f"<!-- made by python -m {command}: ")
    return re.compile(rf"({mark}(\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
