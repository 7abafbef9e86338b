"""What a docstring says about each parameter or field, for schemas and forms.

Two forms are read: ``:param name: text``, and lines ``name: text`` under ``Args:`` or
``Attributes:``. A description in the type (``msgspec.Meta(description=...)``) goes before.
"""

import re
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta

from project.payload.fields import PayloadField

PARAMETER = re.compile(r"^:param (?:[^:\n]+ )?(\w+):[ \t]*(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE)
SECTION = re.compile(
    r"^(?:Args|Arguments|Parameters|Attributes):\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE
)
ENTRY = re.compile(r"^(\w+)(?: \([^)\n]*\))?:[ \t]*(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE)


def describe_fields(fields: Iterable[PayloadField], docstring: str | None) -> list[PayloadField]:
    """The fields, with the descriptions in a docstring for those that have none."""
    texts = read_descriptions(docstring or "")
    return [
        field._replace(type=Annotated[field.type, Meta(description=text)])
        if (text := texts.get(field.name)) and not has_description(field.type)
        else field
        for field in fields
    ]


def read_descriptions(docstring: str) -> dict[str, str]:
    """The descriptions in a docstring, by name, each in one line."""
    return {name: " ".join(text.split()) for name, text in find_entries(cleandoc(docstring))}


def find_entries(text: str) -> Iterator[tuple[str, str]]:
    """The names and the texts, in both forms."""
    yield from PARAMETER.findall(text)
    for section in SECTION.findall(text):
        yield from ENTRY.findall(cleandoc(f"\n{section}"))


def has_description(shape: Any) -> bool:
    """Whether a type says what it is."""
    notes = get_args(shape)[1:] if get_origin(shape) is Annotated else ()
    return any(isinstance(note, Meta) and note.description for note in notes)
