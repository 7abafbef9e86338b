"""The removal of artifacts whose links have expired."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from project.settings.values import get_settings
from tests.support.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[4]


def make_old_artifact(home: Path, days: float) -> Path:
    day = (datetime.now(UTC) - timedelta(days=days)).date()
    file = home / "artifacts" / str(day) / "0123.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"kept")
    return file


def run_cleanup(home: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "project.artifacts.cleanup"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=True,
    )
    return done.stdout


def test_the_janitor_removes_days_whose_links_have_all_expired(tmp_path: Path) -> None:
    needed = [make_old_artifact(tmp_path, days) for days in (0, 1, 2, 3)]
    make_old_artifact(tmp_path, 4)
    make_old_artifact(tmp_path, 400)
    stranger = tmp_path / "artifacts" / "notes" / "readme"
    stranger.parent.mkdir()
    stranger.touch()
    assert "removed 2 artifacts" in run_cleanup(tmp_path)

    left = {path for path in tmp_path.glob("artifacts/*/*") if path != stranger}
    assert left == set(needed)


def test_files_are_kept_as_long_as_links_work(tmp_path: Path) -> None:
    make_old_artifact(tmp_path, 30)
    assert "removed 0 artifacts" in run_cleanup(tmp_path, CONTINUO_LINK_SECONDS=str(30 * 86_400))
    assert "removed 1 artifacts" in run_cleanup(tmp_path, CONTINUO_LINK_SECONDS=str(20 * 86_400))


def test_the_janitor_removes_abandoned_drafts(tmp_path: Path) -> None:
    old, new = (tmp_path / "workshop" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "draft.csv").touch()

    os.utime(old, (0, 0))

    assert "1 drafts" in run_cleanup(tmp_path)
    assert (new.exists(), old.exists()) == (True, False)


def test_without_files_the_janitor_does_nothing(tmp_path: Path) -> None:
    assert run_cleanup(tmp_path) == "removed 0 artifacts and 0 drafts\n"


def test_maintenance_runs_one_janitor_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from project.worker.upkeep import maintenance

    ran = tmp_path / "ran"
    code = f"import pathlib, signal; pathlib.Path({str(ran)!r}).touch(); signal.pause()"
    monkeypatch.setattr(maintenance, "JANITOR", (sys.executable, "-c", code))
    keeping = maintenance.Maintenance(None, get_settings())  # type: ignore[arg-type] - it asks Redis nothing
    keeping.tidy()
    first = keeping._janitor  # noqa: SLF001
    assert first
    wait_until(ran.exists)
    keeping.tidy()
    assert keeping._janitor is first  # noqa: SLF001
    first.kill()
    wait_until(lambda: first.poll() is not None)
    keeping.tidy()
    second = keeping._janitor  # noqa: SLF001
    assert second
    assert second is not first
    second.kill()
    second.wait(10)
