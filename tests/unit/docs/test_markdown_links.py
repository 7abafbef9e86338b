"""Every link inside the repository has a target."""

import re
from pathlib import Path

import pytest

from tests.support.documents.markdown import ROOT

INDEX = ROOT / "docs" / "README.md"
DOCS = sorted(INDEX.parent.rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS, *sorted((ROOT / "benchmarks").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def test_there_are_pages_to_check() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}

    assert {"README.md", "CONTRIBUTING.md", "docs/how-nothing-is-lost.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert [link for link in links(page) if not leads_somewhere(page, link)] == []


def test_the_index_links_to_every_page() -> None:
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX)}

    assert [page.name for page in DOCS if page != INDEX and page not in linked] == []


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#no-such-heading", "#nothing"])
def test_a_dead_link_is_found(link: str) -> None:
    assert not leads_somewhere(ROOT / "README.md", link)


def links(page: Path) -> list[str]:
    """The links of a page to files of the repository, pictures included."""
    return LINK.findall(FENCE.sub("", page.read_text()))


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the link's file exists and has the heading."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
