import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from project.errors import InvalidField, PermanentError
from tasks.rendering.definitions.filters import check_filters
from tasks.rendering.definitions.report_types import (
    TYPES_FOLDER,
    build_filter_schema,
    load_all_types,
    load_types_in,
)
from tests.support.waiting import PATIENCE

type Edit = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the types, to break."""
    shutil.copytree(TYPES_FOLDER, tmp_path / "types")
    return tmp_path / "types"


def break_type(folder: Path, file: str, edit: Edit) -> str:
    path = folder / "monthly" / file
    path.write_text(edit(path.read_text()))
    with pytest.raises(PermanentError) as caught:
        load_types_in(folder)
    return str(caught.value)


def build_edit(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def test_the_shipped_report_types_exist() -> None:
    assert set(load_all_types()) == {"summary", "monthly", "delays", "departures", "shop"}


def test_a_new_folder_is_a_new_type(folder: Path) -> None:
    shutil.copytree(folder / "monthly", folder / "weekly-2")
    assert (
        load_types_in(folder)["weekly-2"].definition == load_types_in(folder)["monthly"].definition
    )


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (build_edit('title = "Monthly spend"', ""), "title"),
        (build_edit('title = "Monthly spend"', "title = 7"), r"\$\.title"),
        (build_edit('title = "Monthly spend"', "title = "), "line 1"),
        (build_edit('format = "money"', 'format = "euro"'), r"\$\.kpis\[3\]\.format"),
        (build_edit("grow = true", "grows = true"), "grows"),
        (build_edit('sources = ["spend"]', 'sources = ["users"]'), r"\$\.sources\[0\]"),
        (build_edit("table_rows = 500", "table_rows = 100000"), "table_rows"),
        (build_edit('unless = "department"', 'unless = "team"'), "Department"),
        (build_edit("[parameters.month]", "[parameters.day]"), "'day'"),
        (build_edit("(0[1-9]|1[0-2])", "(0[1-9]|1[0-2]"), "month.pattern"),
        (build_edit('unset = "The latest"', 'default = "May"'), "month.default"),
        (build_edit('sources = ["spend"]', ""), "sources or files"),
        (build_edit('sources = ["spend"]', 'sources = ["spend"]\nengine = "postgres"'), "not both"),
        (build_edit('label = "Vendor"', 'label = "Category"'), "'Category'.*two of that name"),
        (build_edit('kind = "bar"', 'kind = "stacked"'), "stacked needs a series"),
        (build_edit('kind = "bar"', 'kind = "pie"'), r"charts\[0\]\.kind"),
    ],
)
def test_an_invalid_report_toml_is_refused_with_the_place(
    folder: Path, edit: Edit, said: str
) -> None:
    message = break_type(folder, "report.toml", edit)
    assert "'monthly'" in message
    assert re.search(said, message)


def test_a_filter_the_sql_does_not_use_is_refused(folder: Path) -> None:
    message = break_type(folder, "report.sql", lambda sql: sql.replace("$department", "'x'"))
    assert "report.sql does not use 'department'" in message


def test_a_bound_name_without_a_filter_is_refused(folder: Path) -> None:
    message = break_type(folder, "report.sql", lambda sql: sql + " and $team = 1")
    assert "report.toml has no parameter 'team'" in message


def test_a_type_without_sql_is_refused(folder: Path) -> None:
    (folder / "monthly" / "report.sql").unlink()
    with pytest.raises(PermanentError, match=r"report\.sql"):
        load_types_in(folder)


def test_a_folder_with_an_invalid_name_is_refused(folder: Path) -> None:
    (folder / "monthly").rename(folder / "Monthly Report")
    with pytest.raises(PermanentError, match="Monthly Report"):
        load_types_in(folder)


def test_a_required_filter_must_be_given_and_a_default_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "monthly" / "report.toml"
    text = build_edit('unset = "The latest"', 'default = "2026-05"')(path.read_text())
    path.write_text(build_edit('unset = "All departments"', "required = true")(text))
    monkeypatch.setattr(
        "tasks.rendering.definitions.report_types.load_all_types", lambda: load_types_in(folder)
    )
    assert check_filters("monthly", {"department": "legal"})["month"] == "2026-05"

    with pytest.raises(InvalidField, match=r"filters\.department: is required"):
        check_filters("monthly", {})


def test_the_schemas_match_the_checks() -> None:
    schemas = {
        name: build_filter_schema(kind.definition.origin) for name, kind in load_all_types().items()
    }
    assert schemas["summary"]["properties"]["month"]["enum"] == list(range(1, 13))
    assert schemas["monthly"]["additionalProperties"] is False

    month = schemas["monthly"]["properties"]["month"]
    assert re.search(month["pattern"], month["examples"][0])
    for name in schemas["monthly"]["properties"]["department"]["enum"]:
        assert check_filters("monthly", {"department": name}) == {"department": name}


def test_checking_loads_neither_duckdb_nor_typst() -> None:
    code = (
        "import sys; from tasks.rendering.definitions.filters import check_filters;"
        "check_filters('summary', {});"
        "print(*{'duckdb', '_duckdb', 'typst'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30 * PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
