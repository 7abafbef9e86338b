"""Read sections, code blocks and table rows of the README and other pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"


def read_section(title: str, page: Path = README) -> str:
    """The text under a second-level heading, up to the next one."""
    _, found, rest = page.read_text().partition(f"\n## {title}\n")
    assert found, f"{page.name} has no section {title!r}"
    return rest.partition("\n## ")[0]


def read_code_blocks(title: str, language: str, page: Path = README) -> list[str]:
    """The code blocks of one language in a section, in order."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", read_section(title, page), re.DOTALL | re.MULTILINE
    )


def read_table_rows(title: str, page: Path = README) -> list[list[str]]:
    """The cells of all table rows in a section, without header rows and rulers."""
    lines = read_section(title, page).splitlines()
    tables = [
        line
        for place, line in enumerate(lines)
        if line.startswith("|") and not _is_head(lines, place)
    ]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables]


def _is_head(lines: list[str], place: int) -> bool:
    return any(set(line) <= set("|- ") for line in lines[place : place + 2] if line)
