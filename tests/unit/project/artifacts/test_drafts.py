"""Files that jobs of one's own make."""

from contextlib import suppress
from pathlib import Path

import pytest

from project.artifacts.drafts import open_draft
from project.artifacts.links import locate, resolve_link
from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings


def list_workshops() -> set[Path]:
    return set((get_settings().data_dir / "workshop").glob("*"))


def test_a_file_is_stored_when_its_block_ends_and_described_for_the_result() -> None:
    with open_draft("Rechnung 7 März.pdf") as file:
        file.path.write_bytes(b"%PDF-7")

    artifact = resolve_link(file.result["download_url"].rpartition("/")[2])

    assert (file.result["filename"], file.result["size"]) == ("Rechnung 7 März.pdf", 6)
    assert file.result["content_type"] == "application/pdf"
    assert Path(locate(artifact)).read_bytes() == b"%PDF-7"


def test_a_block_that_fails_leaves_nothing() -> None:
    before = list_workshops()
    with suppress(ZeroDivisionError), open_draft("half.pdf") as file:
        file.path.write_bytes(b"half")
        raise ZeroDivisionError

    assert list_workshops() == before
    with pytest.raises(RuntimeError, match=r"half\.pdf is not stored"):
        _ = file.result


def test_a_block_that_writes_no_file_is_refused() -> None:
    with pytest.raises(PermanentError, match=r"'none\.pdf' wrote no file"), open_draft("none.pdf"):
        pass


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", " ", "a/b.pdf", "../b.pdf", "a\\b.pdf", "a\0.pdf", "a\n.pdf", "é" * 101, 7],
)
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidField, match="filename"), open_draft(name):
        pass


@pytest.mark.parametrize(
    "name", ["a", ".env", "a.", "a.tar.gz", "Übersicht.xlsx", "a b.p df", "x" * 200]
)
def test_a_link_to_a_file_of_any_name_works(name: str) -> None:
    with open_draft(name) as file:
        file.path.write_bytes(b"x")

    assert resolve_link(file.result["download_url"].rpartition("/")[2]).filename == name
