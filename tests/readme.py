"""The README as tests read it: its sections, the code in them, the rows of their tables."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def section(title: str) -> str:
    """The text under a heading, up to the next one."""
    _, found, rest = README.read_text().partition(f"\n## {title}\n")
    assert found, f"README.md has no section {title!r}"
    return rest.partition("\n## ")[0]


def code(title: str, language: str) -> list[str]:
    """The code blocks of one language in a section, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.DOTALL | re.MULTILINE)


def rows(title: str) -> list[list[str]]:
    """The cells of all table rows in a section, without heads and rulers."""
    lines = section(title).splitlines()
    tables = [
        line
        for place, line in enumerate(lines)
        if line.startswith("|") and not _is_head(lines, place)
    ]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables]


def _is_head(lines: list[str], place: int) -> bool:
    return any(set(line) <= set("|- ") for line in lines[place : place + 2] if line)
