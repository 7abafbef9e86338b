"""``python -m project.local.up``: everything on this machine, from one command.

Starts the bundled Valkey (unless REDIS_URL is set), the mail sink (unless
SMTP_URL is set) and every line of the Procfile; stops them on Ctrl-C or SIGTERM,
the front first, then the workers, which finish what they are doing, Valkey last.
"""

import contextlib
import ipaddress
import os
import signal
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from project.errors import ContinuoError
from project.local import procfile
from project.local.supervisor import ManagedProcess, ProcessSupervisor, print_line
from project.local.valkey import EmbeddedValkey, build_valkey
from project.settings.environment import copy_environment
from project.settings.values import Settings, get_settings

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.25
PROBE_TIMEOUT_SECONDS = 1.0
STOP_MARGIN_SECONDS = 10.0
"""Seconds a process gets beyond the time it may take to drain."""

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main() -> int:
    """Run everything until told to stop; 0 when it all ended in order."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, signal.SIGCHLD})
    given = get_settings()
    try:
        with run_valkey(given) as valkey:
            redis_url = valkey.url if valkey else given.redis_url
            crew = ProcessSupervisor(
                build_processes(given, redis_url), given.drain_seconds + STOP_MARGIN_SECONDS
            )
            run(crew, valkey, given)
    except ContinuoError as problem:
        print_line("up", str(problem))
        return 1
    print_line("up", "stopped")
    return 0


@contextlib.contextmanager
def run_valkey(given: Settings) -> Iterator[EmbeddedValkey | None]:
    """The bundled Valkey while it runs; None when REDIS_URL names another."""
    if given.redis_url:
        yield None
        return
    with build_valkey(given) as server:
        print_line("up", f"bundled valkey on {server.url}, data in {server.folder}")
        yield server


def build_processes(given: Settings, redis_url: str) -> list[ManagedProcess]:
    """The Procfile's processes in its order, then the mail sink."""
    environment = build_environment(given, redis_url)
    lines = procfile.read_commands(ROOT / "Procfile")
    if not given.smtp_url:
        lines["outbox"] = "python -m project.local.mail_sink"
    return [ManagedProcess(name, line, environment) for name, line in lines.items()]


def build_environment(given: Settings, redis_url: str) -> dict[str, str]:
    """The environment of the processes: ours, with what was left open filled in."""
    environment = copy_environment()
    return environment | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": redis_url,
        "DATA_DIR": str(given.data_dir),
        "PORT": str(given.port),
        "FLOWER_PORT": str(given.flower_port),
    }


def run(crew: ProcessSupervisor, valkey: EmbeddedValkey | None, given: Settings) -> None:
    """Keep everything up until a signal says stop."""
    greeted = False
    crew.start()
    try:
        while not wait_for_stop_signal():
            crew.supervise()
            if valkey and valkey.supervise():
                print_line("up", "valkey had ended; it is back with its data")
            if not greeted and is_ready(given):
                print_addresses(given)
                greeted = True
    finally:
        print_line("up", "stopping; jobs in hand are finished first")
        crew.stop()


def wait_for_stop_signal() -> bool:
    """Wait a moment, less when a process ends; whether a signal to stop came."""
    info = signal.sigtimedwait({*SIGNALS, signal.SIGCHLD}, POLL_SECONDS)
    return bool(info and info.si_signo in SIGNALS)


def is_ready(given: Settings) -> bool:
    """Whether the API answers and reaches its broker."""
    unspecified = ipaddress.ip_address(given.host).is_unspecified
    host = "127.0.0.1" if unspecified else given.host
    connection = HTTPConnection(host, given.port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def print_addresses(given: Settings) -> None:
    """Say where everything is."""
    kept = f"{given.base_url}/outbox  (files: {given.data_dir / 'outbox'})"
    for line in (
        f"ready after {time.monotonic() - STARTED_AT:.1f} s",
        f"console {given.base_url}/",
        f"API     {given.base_url}  (reference: {given.base_url}/docs)",
        f"Flower  http://127.0.0.1:{given.flower_port}",
        f"mail    {'your SMTP_URL' if given.smtp_url else kept}",
        f"files   {given.data_dir}",
        "Ctrl-C stops it all",
    ):
        print_line("up", line)


STARTED_AT = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
