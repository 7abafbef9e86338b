"""How the processes of the API start, die, come back and leave."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.programs.api_process import (
    ROOT,
    TIMEOUT_SECONDS,
    ApiProcess,
    build_environment,
    find_free_port,
    serve_api,
    start_api,
    wait_until_reachable,
)


def start(**more: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to be refused."""
    port = int(more.pop("PORT", 0)) or find_free_port()
    return subprocess.run(
        [sys.executable, "-m", "api", "tests.support.apps.http_app:build"],
        env=build_environment(port, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def run_python(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | more,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def hold_one(api: ApiProcess, pool: ThreadPoolExecutor) -> None:
    """Send a request that stays in flight, and wait until it is."""
    pool.submit(api.get, "/hold")
    wait_until_reachable(lambda: api.get("/in-flight").text == "1")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_request_in_flight_finish_and_exits_0(signum: signal.Signals) -> None:
    with serve_api() as api, ThreadPoolExecutor() as pool:
        held = pool.submit(api.get, "/hold")
        wait_until_reachable(lambda: api.get("/in-flight").text == "1")
        noticing = pool.submit(api.get, "/until-draining")
        wait_until_reachable(lambda: api.get("/in-flight").text == "2")
        api.popen.send_signal(signum)
        noticed = noticing.result(TIMEOUT_SECONDS)
        assert noticed.headers["connection"] == "close"

        readiness = api.get("/health/ready")
        assert readiness.status_code == 503
        assert "shutting down" in readiness.json()["detail"]
        assert api.get("/health/live").status_code == 200
        assert not held.done()

        api.post("/release")
        assert held.result(TIMEOUT_SECONDS).text == "released"
        assert api.wait() == 0
        assert api.is_refusing()


def test_an_unfinished_request_is_cut_off_after_the_drain_time() -> None:
    with serve_api(DRAIN_SECONDS="0.1") as api, ThreadPoolExecutor() as pool:
        hold_one(api, pool)
        api.popen.terminate()
        assert api.wait() == 0

    assert any(
        "1 requests did not finish" in line.get("message", "") for line in api.read_log_records()
    )


def test_a_disconnected_client_does_not_delay_the_stop() -> None:
    with serve_api() as api:
        with socket.create_connection(("127.0.0.1", api.port)) as client:
            client.sendall(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until_reachable(lambda: api.get("/in-flight").text == "1")
        api.post("/release")

        api.popen.terminate()

        assert api.popen.wait(5) == 0


def test_a_killed_server_is_replaced() -> None:
    with serve_api() as api:
        killed = api.pid()

        os.kill(killed, signal.SIGKILL)

        assert wait_until_reachable(lambda: api.pid() != killed)
        assert api.popen.poll() is None


def test_a_server_that_gets_sigterm_is_replaced_at_once() -> None:
    with serve_api() as api:
        for _ in range(3):
            leaving = api.pid()
            os.kill(leaving, signal.SIGTERM)
            assert wait_until_reachable(lambda leaving=leaving: api.pid() != leaving)
        api.popen.terminate()
        assert api.wait() == 0
    ends = [
        line["message"]
        for line in api.read_log_records()
        if line.get("logger") == "api.server.supervisor"
    ]

    assert [end.partition("; ")[2] for end in ends] == ["another starts in 0.0 s"] * 3


def test_two_servers_share_the_port_and_one_serves_while_the_other_is_replaced() -> None:
    with serve_api(WEB_CONCURRENCY="2") as api:
        both: set[int] = set()
        wait_until_reachable(lambda: both.add(api.pid()) or len(both) == 2)
        first, _ = both
        os.kill(first, signal.SIGKILL)
        seen: set[int] = set()
        wait_until_reachable(lambda: seen.add(api.pid()) or len(seen - {first}) == 2)

        api.popen.terminate()

        assert api.wait() == 0
        assert api.is_refusing()


def test_no_server_outlives_a_killed_supervisor() -> None:
    with serve_api(WEB_CONCURRENCY="2") as api:
        api.popen.kill()
        wait_until_reachable(api.is_refusing)


def test_a_port_in_use_is_exit_4_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        port = stranger.getsockname()[1]
        refused = start(PORT=str(port))
    assert refused.returncode == 4

    (line,) = refused.stderr.splitlines()
    assert line == f"api: cannot listen on 127.0.0.1 port {port}: Address already in use"


def test_a_public_address_without_keys_is_exit_2_and_one_line() -> None:
    refused = start(HOST="0.0.0.0")  # noqa: S104 - that is the point
    assert refused.returncode == 2

    (line,) = refused.stderr.splitlines()
    assert "CONTINUO_API_KEYS" in line


def test_a_public_address_with_keys_is_served() -> None:
    with serve_api(HOST="0.0.0.0", CONTINUO_API_KEYS="alice:0123456789abcdef") as api:  # noqa: S104
        assert api.get("/orders/7").status_code == 401


def test_invalid_settings_are_exit_2_and_one_line_each() -> None:
    refused = start(WEB_CONCURRENCY="many", DRAIN_SECONDS="-1")
    assert refused.returncode == 2

    names = sorted(line.split(": ")[1] for line in refused.stderr.splitlines())
    assert names == ["DRAIN_SECONDS", "WEB_CONCURRENCY"]


def test_an_ipv6_address_is_served() -> None:
    with serve_api(HOST="::1") as api:
        assert api.get("/health/live").status_code == 200


def test_an_application_that_fails_to_open_is_exit_3() -> None:
    with start_api("tests.support.apps.http_app:build_broken") as api:
        assert api.wait() == 3
    assert any(
        "a dependency is down" in line.get("traceback", "") for line in api.read_log_records()
    )


def test_nothing_is_written_to_stdout() -> None:
    port = find_free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "api", "tests.support.apps.http_app:build_broken"],
        env=build_environment(port),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as broken:
        assert broken.communicate(timeout=TIMEOUT_SECONDS)[0] == b""


def test_a_server_that_loses_its_port_is_exit_4() -> None:
    code = """
import signal
from api.server.process import STOP_SIGNALS, ApiServer
from tests.support.apps.http_app import build
from project.settings.values import get_settings
signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
ApiServer(build, get_settings()).run()
"""

    with socket.create_server(("127.0.0.1", 0)) as stranger:
        ended = run_python(code, PORT=str(stranger.getsockname()[1]))

    assert ended.returncode == 4


def test_a_server_that_does_not_stop_is_killed_after_the_grace() -> None:
    code = """
import os, signal, sys
from api.server.supervisor import Supervisor
def serve():
    print("up", flush=True)
    os.kill(os.getppid(), signal.SIGTERM)
    while True:
        signal.sigwait({signal.SIGTERM})
sys.exit(Supervisor(serve, count=1, grace=0.2).run())
"""

    ended = run_python(code)

    assert ended.returncode == 0
    assert ended.stdout == "up\n"


def test_importing_the_http_layer_does_not_import_worker_modules() -> None:
    code = """
import sys, api.__main__, api.server.process, api.server.supervisor, api.docs.pages
import api.routes.operations.health
heavy = {"duckdb", "typst", "obstore", "numpy", "swagger_ui"}
print(sorted(heavy & set(sys.modules)))
"""
    assert run_python(code).stdout == "[]\n"
