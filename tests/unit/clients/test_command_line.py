"""The command line: its options, what it prints, and the kinds that it writes."""

import os
import subprocess
from pathlib import Path

import pytest
from continuo_client.command.__main__ import main
from continuo_client.command.arguments import parse_arguments
from continuo_client.command.new_kind import write_kind
from continuo_client.command.outcomes import WrongUsage
from continuo_client.command.output import format_change, format_record, format_table
from continuo_client.command.top import format_overview

from project.records.record import TaskRecord
from project.version import read_version
from tests.support.programs.processes import ROOT

RECORD = TaskRecord.example | {"error": "Traceback\n  boom \x1b[31m\n", "tags": ["a", "b"]}


@pytest.mark.parametrize(
    "words", [["--url", "http://a", "show", "1"], ["show", "1", "--url=http://a"]]
)
def test_options_stand_before_or_after_the_command(words: list[str]) -> None:
    args = parse_arguments(words)

    assert (args.url, args.key, args.as_json, args.id) == ("http://a", None, False, "1")


def test_fields_may_follow_options() -> None:
    args = parse_arguments(["order", "report", "a=1", "--wait", "5", "b=2", "--json", "-", "c=3"])

    assert args.fields == ["a=1", "b=2", "c=3"]
    assert (args.wait, args.file, args.as_json) == (5.0, "-", False)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["unknown"],
        ["show"],
        ["show", ""],
        ["show", "1", "a=1"],
        ["order", "report", "--unknown=1"],
        ["order", "report", "a=1", "--wait", "5", "b"],
        ["order", "report", "--wait", "-1"],
        ["order", "report", "--wait", "nan"],
        ["list", "--status", "done"],
        ["list", "--limit", "many"],
        ["--url", "localhost", "queues"],
        ["--key", "two words", "queues"],
        ["top", "--every", "0"],
        ["new", "thing", "a"],
        ["show", "\udcff"],
    ],
    ids=ascii,
)
def test_wrong_usage_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: continuo ")
    assert " error: " in told


@pytest.mark.parametrize("name", ["CONTINUO_URL", "CONTINUO_KEY"])
def test_a_wrong_variable_is_named_without_its_value(name: str) -> None:
    done = subprocess.run(
        [ROOT / "bin" / "continuo", "queues"],
        env=os.environ | {name: "two words"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, "two words" in done.stderr) == (2, "", False)
    assert done.stderr.startswith(f"continuo: {name}: must be ")


def test_the_version_is_that_of_the_platform(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out == f"continuo {read_version()}\n"


def test_columns_begin_at_the_same_places() -> None:
    lines = format_table(("name", "jobs"), [("celery", 3), ("a\nb", None), ("c", True)])

    assert lines == ["NAME    JOBS", "celery  3", "a b     -", "c       yes"]


def test_a_table_without_rows_has_its_head() -> None:
    assert format_table(("name", "jobs"), []) == ["NAME  JOBS"]


def test_a_record_shows_what_is_known_and_its_error_without_controls() -> None:
    lines = format_record(RECORD)

    assert lines[0] == f"id        {RECORD['id']}"
    assert "attempts  1 of 3" in lines
    assert "tags      a,b" in lines
    assert "progress  40/100 rows read" in lines
    assert not any(line.startswith(("result", "finished")) for line in lines)
    assert lines[-3:] == ["error", "  Traceback", "    boom  [31m"]


def test_a_change_is_one_line() -> None:
    line = format_change({"status": "running", "attempts": 2, "at": 0.0, "progress": {"done": 5}})

    assert line.split("  ")[1:] == ["running", "attempt 2", "5"]


@pytest.mark.parametrize(
    "name", ["", "Two", "two words", "../a", "a-b", "1a", "class", "email", "celery", "report"]
)
def test_a_name_that_no_kind_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=f"^{name}: is "):
        write_kind(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["stock.py", "test_stock.py"])
def test_a_file_that_exists_is_kept_and_nothing_is_written(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("mine")

    with pytest.raises(WrongUsage, match=f"{file}: File exists; nothing was written"):
        write_kind("stock", tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {file: "mine"}


def test_top_shows_the_last_whole_minute_queues_workers_and_failures() -> None:
    minute = {"ordered": 7, "success": 5, "failed": 1, "cancelled": 0, "wait_p95": 0.25}
    queue = {"name": "celery", "waiting": 3, "running": 2, "paused": True, "oldest": 9.6}
    worker = {"host": "h", "pid": 1, "jobs": [{}], "slots": 2, "started_at": 0.0, "queues": ["a"]}
    failure = RECORD | {"error": "Traceback\nValueError: \x1b[2J\n", "finished_at": 0.0}

    lines = format_overview(
        {
            "minutes": [minute, minute, minute | {"ordered": 0}],
            "queues": [queue | {"workers": 1}],
            "workers": [worker],
            "failures": [failure],
        }
    )

    assert lines[0] == "last minute: ordered 7  success 5  failed 1  cancelled 0  wait p95 0.2 s"
    rows = [line.split() for line in lines]
    assert ["celery", "3", "2", "yes", "10", "s", "1"] in rows
    assert any(row[:3] == ["h", "1", "1/2"] for row in rows)
    assert lines[-1].endswith(f"{RECORD['id']}  ValueError:  [2J")
