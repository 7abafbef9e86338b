import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.__main__ import require_port
from api.server.process import format_host
from project.settings.checks import list_faults, refuse
from project.settings.values import Settings
from tests.support.waiting import PATIENCE


def test_a_free_port_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    require_port("127.0.0.1", port)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_with_a_listener_is_in_use_even_with_reuse_port(*, shared: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=shared) as server,
        pytest.raises(OSError, match="in use"),
    ):
        require_port("127.0.0.1", server.getsockname()[1])


def test_a_port_with_closing_connections_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # the side that closes first keeps TIME_WAIT
    require_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OSError, match="assign"):
        require_port("192.0.2.1", 8000)


def test_invalid_settings_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "ninety")
    monkeypatch.setenv("CONTINUO_API_KEYS", "alice:hunter2")
    with pytest.raises(ValidationError) as refusal:
        Settings()

    lines = sorted(map(str, list_faults(refusal.value)))
    assert [line.partition(":")[0] for line in lines] == ["CONTINUO_API_KEYS", "PORT"]
    assert "hunter2" not in str(lines)


def test_a_refusal_is_printed_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert refuse("api", "PORT: no", "HOST: no") == 2
    assert capsys.readouterr().err == "api: PORT: no\napi: HOST: no\n"


def test_an_ipv6_literal_is_bracketed_for_cello() -> None:
    assert [format_host("::1"), format_host("127.0.0.1")] == ["[::1]", "127.0.0.1"]


def test_an_invalid_report_type_prevents_the_start_of_the_api(tmp_path: Path) -> None:
    (tmp_path / "weekly").mkdir()
    (tmp_path / "weekly" / "report.toml").write_text('title = "Weekly"\n')

    done = subprocess.run(
        [sys.executable, "-m", "api"],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"REPORTS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30 * PATIENCE,
        check=False,
    )

    assert done.returncode == 2
    assert "report type 'weekly': Object missing required field" in done.stderr
    assert "Traceback" not in done.stderr
