"""The glossary: each word once, in one sentence, with a file that exists."""

import re

import pytest

from tests.support.documents.markdown import ROOT

PAGE = ROOT / "docs" / "explanation" / "words.md"
ROW = re.compile(
    r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| `(?P<file>[^`|]+)` \|$", re.MULTILINE
)
ROWS = [match.groupdict() for match in ROW.finditer(PAGE.read_text())]
NEEDED_WORDS = {
    *("record", "attempt", "lease", "token", "ledger", "callback", "dead letter", "kind"),
    *("tenant", "rerun", "once key", "artifact", "command", "chunk", "slice"),
}


def test_every_row_is_a_word_a_meaning_and_a_file() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    heads = [line for line in lines if line == "| word | meaning | file |"]

    assert len(ROWS) == len(lines) - len(heads)


def test_the_words_that_need_a_definition_have_one() -> None:
    assert {row["word"] for row in ROWS} >= NEEDED_WORDS


def test_no_word_is_defined_twice() -> None:
    words = [row["word"] for row in ROWS]

    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["word"])
def test_a_word_has_one_sentence_and_a_file_that_exists(row: dict[str, str]) -> None:
    assert row["meaning"].endswith(".")
    assert ". " not in row["meaning"]
    assert (ROOT / row["file"]).is_file()
