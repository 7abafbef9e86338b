"""Changed code is noticed, in real folders."""

from pathlib import Path

from project.local.reload import CodeWatch, find_syntax_error
from tests.support.waiting import wait_until


def test_a_written_a_changed_and_a_deleted_file_are_noticed(tmp_path: Path) -> None:
    module, found = tmp_path / "jobs.py", set[Path]()

    def is_noticed() -> bool:
        found.update(code.take_changes())
        return module in found

    with CodeWatch([tmp_path]) as code:
        for change in (
            lambda: module.write_text("a = 1\n"),
            lambda: module.write_text("a = 2\n"),
            module.unlink,
        ):
            found.clear()
            change()
            wait_until(is_noticed, 10)


def test_compiled_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    found: list[Path] = []

    with CodeWatch([tmp_path]) as code:
        (tmp_path / "__pycache__" / "jobs.pyc").write_bytes(b"")
        (tmp_path / "jobs.py").write_text("")
        wait_until(lambda: found.extend(code.take_changes()) or found, 10)

    assert set(found) == {tmp_path / "jobs.py"}


def test_the_first_syntax_error_is_named_with_its_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("a = 1\n")
    bad.write_text("a = 1\ndef (\n")

    assert find_syntax_error([good, tmp_path / "gone.py", tmp_path / "data.toml"]) == ""
    assert find_syntax_error([good, bad]).startswith(f"{bad}, line 2: ")
