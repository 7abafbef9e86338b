"""Links inside the repository lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.readme import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def test_there_are_pages_to_check() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}

    assert {"README.md", "CONTRIBUTING.md", "docs/how-nothing-is-lost.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = LINK.findall(FENCE.sub("", page.read_text()))

    assert [link for link in links if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#no-such-heading", "#nothing"])
def test_a_dead_link_is_noticed(link: str) -> None:
    assert not leads_somewhere(ROOT / "README.md", link)


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the file of a link exists and has the heading that it names."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
