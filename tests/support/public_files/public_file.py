"""Small files in the forms in which people get them from banks, shops and governments.

Written after public descriptions and examples of these forms, with invented values.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class PublicFile(NamedTuple):
    """A file with what is odd about it, a question to its table ``data``, and the right answer.

    ``types`` fixes types, as a report type does. The answer is that of DuckDB as text.
    """

    origin: str
    odd: str
    content: str | bytes
    sql: str
    answer: str
    types: Mapping[str, str] = {}
    name: str = "data.csv"


def format_answer(values: tuple[Any, ...]) -> str:
    """Write a row of an answer as the cases have it."""
    return ", ".join(map(str, values))
