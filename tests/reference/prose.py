"""Convert docstrings to Markdown."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator


def markdown_from_docstring(documented: str | None) -> str:
    """A docstring as Markdown, with code in backticks and examples in fences."""
    text = inspect.cleandoc(documented or "").replace("``", "`")
    return "\n\n".join(filter(None, map(_format_paragraph, text.split("\n\n"))))


def summary_from_docstring(documented: str | None) -> str:
    """The first line of a docstring, or its first paragraph when that is longer."""
    return markdown_from_docstring(documented).partition("\n\n")[0].replace("\n", " ")


def _format_paragraph(text: str) -> str:
    if text == "::":
        return ""
    if text.startswith("    "):
        return f"```py\n{textwrap.dedent(text)}\n```"
    return text


def join_parts(*parts: str) -> str:
    """Join the non-empty parts with empty lines."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def format_anchor(name: str) -> str:
    """A link to the heading of a name on the same page."""
    return f"[{name}](#{name.lower()})"


def format_values(names: Iterable[object]) -> str:
    """Values as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def format_sections(level: int, parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Headings of this level, each followed by its text."""
    for heading, text in parts:
        yield f"{'#' * level} {heading}\n\n{text}"
