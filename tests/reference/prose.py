"""Docstrings as Markdown."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator


def prose(documented: str | None) -> str:
    """A docstring as Markdown: its names in backticks, its examples in fences."""
    text = inspect.cleandoc(documented or "").replace("``", "`")
    return "\n\n".join(filter(None, map(_paragraph, text.split("\n\n"))))


def first_line(documented: str | None) -> str:
    """The summary of a docstring, or its first paragraph when that is longer than a line."""
    return prose(documented).partition("\n\n")[0].replace("\n", " ")


def _paragraph(text: str) -> str:
    if text == "::":
        return ""
    if text.startswith("    "):
        return f"```py\n{textwrap.dedent(text)}\n```"
    return text


def page(*parts: str) -> str:
    """Parts with a line between them, those that say nothing left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def anchored(name: str) -> str:
    """A name that leads to its heading on the same page."""
    return f"[{name}](#{name.lower()})"


def listed(names: Iterable[object]) -> str:
    """Values as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def sections(level: int, parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Headings, each with what is below it."""
    for heading, text in parts:
        yield f"{'#' * level} {heading}\n\n{text}"
