import subprocess
import sys
from collections import Counter
from pathlib import Path

from tasks.rendering.data import demo_spend, sources
from tasks.rendering.definitions.report_types import load_all_types


def test_the_invoices_are_the_same_every_time() -> None:
    assert list(demo_spend.generate_invoices()) == list(demo_spend.generate_invoices())


def test_each_department_has_a_hundred_to_five_hundred_invoices_a_month() -> None:
    counts = Counter((row[2], row[1][:7]) for row in demo_spend.generate_invoices())

    assert len(counts) == 12 * 24
    assert min(counts.values()) >= 90
    assert max(counts.values()) <= 500


def test_the_invoices_cover_the_two_years_to_october_2026() -> None:
    months = sorted({row[1][:7] for row in demo_spend.generate_invoices()})
    assert (months[0], months[-1], len(months)) == ("2024-11", "2026-10", 24)


def test_every_department_can_be_selected() -> None:
    choices = load_all_types()["monthly"].definition.parameters["department"].choices
    assert set(choices) == set(demo_spend.DEPARTMENTS)


def test_a_file_created_by_several_processes_is_whole_and_leaves_no_drafts(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tasks.rendering.data import sources;"
        "sources.ensure_demo_file('spend', pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    racers = [subprocess.Popen(command) for _ in range(3)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0]

    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert path.name == sources.DEMO_FILES["spend"]
    assert content[:4] == content[-4:] == b"PAR1"


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    (tmp_path / sources.DEMO_FILES["spend"]).write_bytes(b"kept")
    assert sources.ensure_demo_file("spend", tmp_path).read_bytes() == b"kept"
