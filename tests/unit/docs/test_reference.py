"""docs/reference is up to date with the code."""

from pathlib import Path

import pytest

from benchmarks.support.page_parts import part_names_of, renew_parts
from tests.reference.__main__ import COMMAND, PARTS, read_pages

PAGES = read_pages()


def test_every_part_is_on_a_page() -> None:
    made = [name for page in PAGES.values() for name in part_names_of(page, COMMAND)]

    assert sorted(made) == sorted(PARTS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_of_the_reference_is_up_to_date(path: Path) -> None:
    assert PAGES[path] == renew_parts(PAGES[path], COMMAND, PARTS), "run python -m tests.reference"
