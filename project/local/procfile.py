"""Reads a Procfile: one process per line, ``name: command``."""

import re
from pathlib import Path

from project.errors import ContinuoError

LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)")


def read_commands(path: Path) -> dict[str, str]:
    """Map process names to shell commands, in the order of the file. Raises ``ContinuoError``."""
    lines = enumerate(path.read_text().splitlines(), start=1)
    return dict(parse_line(number, line) for number, line in lines if is_entry(line))


def is_entry(line: str) -> bool:
    """Whether a line is neither empty nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def parse_line(number: int, line: str) -> tuple[str, str]:
    """Parse the name and the command of a line. Raises ``ContinuoError``, which names the line."""
    match = LINE.fullmatch(line.strip())
    if not match:
        raise ContinuoError(f"Procfile line {number} is not 'name: command': {line!r}")
    return match["name"], match["command"]
