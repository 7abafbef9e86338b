"""What becomes of the files that people get from banks, shops and governments."""

import re
from pathlib import Path

import pytest

from tasks.rendering.data import queries
from tasks.rendering.data.sources import build_tables
from tasks.rendering.data.table_files import InvalidFile
from tasks.rendering.definitions.column_types import parse_type
from tasks.rendering.definitions.schema import Origin
from tests.support.public_files.catalog import FILES
from tests.support.public_files.public_file import PublicFile, format_answer


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.origin)
def test_a_public_file_gives_the_right_answer(tmp_path: Path, file: PublicFile) -> None:
    content = file.content.encode() if isinstance(file.content, str) else file.content
    (tmp_path / file.name).write_bytes(content)
    types = {"data": dict(file.types)} if file.types else {}
    origin = Origin(title="t", files={"data": file.name}, types=types)
    database = queries.open_database(build_tables(origin, tmp_path, tmp_path), tmp_path, 60)

    with database.connection as connection:
        (answer,) = connection.execute(file.sql).fetchall()

    assert format_answer(answer) == file.answer


def test_the_table_has_forty_files_of_different_origins() -> None:
    assert len({file.origin for file in FILES}) == len(FILES) >= 40


def test_a_column_of_decimal_commas_is_named_with_the_type_to_fix(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("day;amount;note\n1;12,50;x\n2;1.000,00;y\n")
    files = build_tables(Origin(title="t", files={"data": "a.csv"}), tmp_path, tmp_path)

    read = queries.open_database(files, tmp_path, 60).read_as["data"]

    assert read.columns["amount"] == "VARCHAR"
    assert read.notes == [
        "amount is text; if its commas are decimal commas, fix its type: DECIMAL(18,2) 1.234,56"
    ]


@pytest.mark.parametrize("value", ["1,234", "12.34", "1.23,40", "01,50", "1.234,5x", "1,50-"])
def test_a_number_that_is_not_in_the_form_of_its_type_fails(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.csv").write_text(f"day;amount\n1;12,50\n2;{value}\n")
    types = {"data": {"amount": "DECIMAL(18,2) 1.234,56"}}
    origin = Origin(title="t", files={"data": "a.csv"}, types=types)

    with pytest.raises(InvalidFile, match=re.escape(f"a.csv, line 3, column amount has '{value}'")):
        queries.open_database(build_tables(origin, tmp_path, tmp_path), tmp_path, 60)


@pytest.mark.parametrize(
    "text", ["DOUBLE 1.234,56", "DECIMAL(18,2) 1,234,56", "DECIMAL(18,2) 1.234", "DATE 1.234,56"]
)
def test_a_form_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"allowed are|only DECIMAL|only DATE"):
        parse_type(text)
