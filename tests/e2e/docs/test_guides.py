"""The commands of the how-to guides work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents.guides import DOCS, GuideRunner, parse_blocks

pytestmark = pytest.mark.timeout(300)

GUIDES = sorted(
    page
    for page in (DOCS / "how-to").glob("*.md")
    if any(block.language == "bash" for block in parse_blocks(page))
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuideRunner]:
    """Runs the commands of the guides."""
    reader = GuideRunner(tmp_path_factory.mktemp("guides") / "continuo")
    try:
        yield reader
    finally:
        reader.close()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_command_of_a_guide_works(reader: GuideRunner, page: Path) -> None:
    reader.start_with_defaults()
    for block in parse_blocks(page):
        reader.run_block(block)


def test_at_least_one_guide_has_commands() -> None:
    assert {page.stem for page in GUIDES} >= {"reports", "email-blasts", "failed-jobs"}
