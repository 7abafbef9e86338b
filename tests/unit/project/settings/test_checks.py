"""Wrong settings stop every process at its start, and are said all at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from project.settings.checks import check_settings, list_faults
from project.settings.groups import forget_settings
from tests.support.settings import list_all_variables
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[4]
SECRET = "hunter2-correct-horse"

WRONG = {
    "PORT": "abc",
    "CONTINUO_API_KEYS": f"ops:{SECRET},web:short",
    "DATABASE_URL": f"mysql://root:{SECRET}@db/x",
    "REDIS_URL": f"redis+sentinel://:{SECRET}/x@db:6379",
    "SMTP_URL": f"foo://ada:{SECRET}@mail",
    "PUBLIC_URL": f"foo://{SECRET}",
    "MAIL_TEMPLATES": "/nope",
    "MAIL_FROM": "abc",
    "CONTINUO_DKIM_KEY": "/nope",
    "CONTINUO_WEBHOOK_SECRETS": f"whsec_{SECRET}",
    "CONTINUO_API_KEY": f"ops:{SECRET}",
    "CONTINUO_FAULT_RAET": "1",
}
PROGRAMS = {
    "worker": ["-m", "celery", "-A", "project", "worker"],
    "beat": ["-m", "celery", "-A", "project", "beat"],
    "flower": [
        "-m", "celery", "-A", "project", "flower", "--conf=project/telemetry/flower_config.py"
    ],
    "api": ["-m", "api"],
}  # fmt: skip
START = 'if __name__ == "__main__":'


def list_commands() -> Iterator[str]:
    """Every ``python -m project...``."""
    for path in sorted((ROOT / "project").rglob("*.py")):
        if START in path.read_text():
            place = path.relative_to(ROOT).with_suffix("")
            yield ".".join(place.parts).removesuffix(".__main__")


PROGRAMS |= {command: ["-m", command] for command in list_commands()}


@pytest.fixture(autouse=True)
def _settings_are_read_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_settings()
    yield
    monkeypatch.undo()
    forget_settings()


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS)
def test_all_wrong_settings_are_named_at_once_without_traceback_and_values(
    command: list[str], tmp_path: Path
) -> None:
    done = run(command, **WRONG, DATA_DIR=str(tmp_path / "data"))

    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "Traceback" not in said
    assert SECRET not in said
    assert len(said.splitlines()) == len(WRONG)
    for name in WRONG:
        assert f" {name}: " in said, name


def test_every_command_of_the_platform_is_tried() -> None:
    assert {"project.local.up", "project.check", "project.worker.healthcheck"} < set(PROGRAMS)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("project.")])
def test_a_misspelt_name_stops_every_command(name: str, tmp_path: Path) -> None:
    done = run(PROGRAMS[name], CONTINUO_API_KEY="x", DATA_DIR=str(tmp_path / "data"))

    said = done.stdout + done.stderr
    assert (done.returncode, len(said.splitlines())) == (2, 1), said
    assert "CONTINUO_API_KEY: there is no such setting" in said


def test_a_value_that_flower_cannot_read_stops_its_health_check(tmp_path: Path) -> None:
    command = PROGRAMS["project.telemetry.flower_healthcheck"]

    done = run(command, FLOWER_MAX_TASKS=SECRET, DATA_DIR=str(tmp_path))

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "Flower cannot read the value of one of FLOWER_MAX_TASKS" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.endswith("healthcheck")])
def test_a_health_check_knows_the_settings_of_all_groups(name: str, tmp_path: Path) -> None:
    empty = {name: "" for name in list_all_variables() if name.startswith("CONTINUO_")}
    nobody = {"FLOWER_PORT": "1", "REDIS_URL": "redis://127.0.0.1:1/0", "DATA_DIR": str(tmp_path)}

    done = run(PROGRAMS[name], **(empty | nobody))

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_an_unknown_name_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    done = run(PROGRAMS["worker"], CONTINUO_API_KEY="x", DATA_DIR=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "celery: CONTINUO_API_KEY: there is no such setting; did you mean CONTINUO_API_KEYS?"
    ]


def test_an_unknown_name_is_refused_although_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_API_KEY", "")

    with pytest.raises(ValidationError, match="did you mean CONTINUO_API_KEYS"):
        check_settings()


def test_names_of_the_compose_file_and_of_kubernetes_are_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (
        "CONTINUO_TAG",
        "CONTINUO_SERVICE_HOST",
        "CONTINUO_API_SERVICE_PORT_HTTP",
        "CONTINUO_PORT",
        "CONTINUO_API_PORT_8000_TCP_ADDR",
    ):
        monkeypatch.setenv(name, "x")

    check_settings()


def test_code_that_imports_the_app_gets_an_exception_without_values(tmp_path: Path) -> None:
    code = "import project.celery"

    done = run(["-c", code], CONTINUO_API_KEYS=f"ops:{SECRET},web:short", DATA_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "ValidationError" in done.stderr
    assert SECRET not in done.stderr


def test_each_fault_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("CONTINUO_FAULT_RATE", "2")

    with pytest.raises(ValidationError) as refused:
        check_settings()

    assert sorted(fault.variable for fault in list_faults(refused.value)) == [
        "CONTINUO_FAULT_RATE",
        "PORT",
    ]
