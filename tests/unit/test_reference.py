"""What docs/reference says of the code is what the code says."""

from pathlib import Path

import pytest

from tests.reference.__main__ import PARTS, pages, parts_of, renewed


def test_each_part_is_on_a_page() -> None:
    assert sorted(name for page in pages() for name in parts_of(page)) == sorted(PARTS)


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page.stem)
def test_a_page_of_the_reference_is_up_to_date(page: Path) -> None:
    assert page.read_text() == renewed(page), "run python -m tests.reference"
