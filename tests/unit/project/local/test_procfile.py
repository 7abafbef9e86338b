"""The Procfile, ours and others."""

from pathlib import Path

import pytest

from project.errors import ContinuoError
from project.local import procfile

OURS = Path(__file__).parents[4] / "Procfile"


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / "Procfile"
    path.write_text(text)
    return procfile.read_commands(path)


def test_our_procfile_starts_the_api_a_worker_beat_and_flower() -> None:
    lines = procfile.read_commands(OURS)

    assert list(lines) == ["web", "worker", "beat", "flower"]
    for name in ("worker", "beat", "flower"):
        assert lines[name].startswith(f"celery -A project {name}")


def test_lines_are_read_in_order(tmp_path: Path) -> None:
    assert read(tmp_path, "b: two\na: one\n") == {"b": "two", "a": "one"}
    assert list(read(tmp_path, "b: two\na: one\n")) == ["b", "a"]


def test_comments_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    assert read(tmp_path, "# a: note\n\n  \na: one\n   # b: two\n") == {"a": "one"}


def test_a_command_keeps_its_colons_quotes_and_spaces(tmp_path: Path) -> None:
    command = """run --bind 0.0.0.0:80 --name "a  b" $PORT"""
    assert read(tmp_path, f"web:   {command}  \n") == {"web": command}


@pytest.mark.parametrize("line", ["web", "web:", ": run", "we b: run", "web = run"])
def test_an_invalid_line_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(ContinuoError, match="line 2 is not 'name: command'"):
        read(tmp_path, f"a: one\n{line}\n")
