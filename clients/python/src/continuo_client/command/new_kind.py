"""``continuo new kind``: writes a module with a typed kind, and a test for it."""

import keyword
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from continuo_client.command.outcomes import WrongUsage

MODULE = '''"""The kind ``{name}``: order it with ``continuo order {name} text=hello``."""

from typing import Annotated

import msgspec

from project.celery import app


class {title}Order(msgspec.Struct):
    """What the job needs. The fields are the body of ``POST {path}``."""

    text: Annotated[str, msgspec.Meta(min_length=1, description="The text to count.")]
    times: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class {title}Result(msgspec.Struct):
    """What the job gives: the result in its record."""

    characters: int


@app.task(name="{name}", http="{path}")
def run_{name}(order: {title}Order) -> {title}Result:
    """Count characters. Write here what your job does."""
    return {title}Result(len(order.text) * order.times)
'''

TEST = '''"""The kind ``{name}``: a direct call runs it here, without Redis."""

import pytest
from {name} import {title}Order, {title}Result, run_{name}

from project.errors import InvalidField


def test_it_counts_the_characters() -> None:
    result = run_{name}({title}Order(text="hello", times=2))

    assert result == {title}Result(characters=10)


def test_an_order_without_text_is_refused() -> None:
    with pytest.raises(InvalidField, match="text"):
        run_{name}.message(kwargs={{"order": {{"text": ""}}}})
'''

IS_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}").fullmatch
RESERVED = frozenset({"report", "export", "email_blast", "webhook", "callback"})
"""The names of kinds that Continuo has itself."""


def write_kind(name: str, folder: Path) -> list[Path]:
    """Write ``name.py`` and ``test_name.py``; returns both. Raises ``WrongUsage``."""
    require_usable_name(name)
    title = "".join(part.capitalize() for part in name.split("_"))
    words = {"name": name, "title": title, "path": f"/{name.replace('_', '-')}"}
    texts = {
        folder / f"{name}.py": MODULE.format(**words),
        folder / f"test_{name}.py": TEST.format(**words),
    }
    write_new_files(texts)
    return list(texts)


def require_usable_name(name: str) -> None:
    """Raise ``WrongUsage`` unless a kind and its module can have the name."""
    if not IS_NAME(name) or keyword.iskeyword(name):
        raise WrongUsage(f"{name}: is not a name such as monthly_invoice (a-z, 0-9 and _)")
    if name in RESERVED:
        raise WrongUsage(f"{name}: is a kind of Continuo's own; choose another name")
    if find_spec(name):
        raise WrongUsage(f"{name}: is the name of another module already; choose another name")


def write_new_files(texts: Mapping[Path, str]) -> None:
    """Write all files or none. Raises ``WrongUsage`` when one exists or cannot be written."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink()
        raise WrongUsage(
            f"{error.filename or path}: {error.strerror}; nothing was written"
        ) from error
