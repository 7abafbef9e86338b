"""``python -m project.local.up [--reload]``: runs the whole system on this machine.

Starts the bundled Valkey (unless REDIS_URL is set), every process of the Procfile, and the mail
sink (unless SMTP_URL is set). Ctrl-C or SIGTERM stops them in this order: the API, the workers,
which finish their jobs, the others, and Valkey last.

``--reload``: when code changes, the API, the worker and beat start anew. The worker first finishes
its jobs.
"""

import argparse
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
from project.extras import has_extra
from project.local import procfile
from project.local.reload import CodeWatch, find_syntax_error
from project.local.supervisor import ManagedProcess, ProcessSupervisor, print_line
from project.local.surroundings import (
    is_redis_reachable,
    require_ports,
    require_redis_login,
)
from project.local.valkey import EmbeddedValkey, build_valkey
from project.settings.checks import run_program
from project.settings.environment import copy_environment
from project.settings.values import Settings, get_settings

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.25
PROBE_TIMEOUT_SECONDS = 1.0
STOP_MARGIN_SECONDS = 10.0
"""Time that a process gets to stop, in addition to DRAIN_SECONDS."""

STOP_WITHOUT_REDIS_SECONDS = 6.0

MAX_NAMED_FILES = 3
"""The number of changed files that are named."""

RELOADED = frozenset({"web", "worker", "beat"})
"""The processes that start anew when code changes."""

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main() -> int:
    """Run everything until a signal says stop. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m project.local.up")
    parser.add_argument("--reload", action="store_true", help="start anew when code changes")
    reloads = parser.parse_args().reload
    signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, signal.SIGCHLD})
    settings = get_settings()
    try:
        require_ports(settings)
        require_redis_login(settings.redis_url)
        with run_valkey(settings) as valkey, watch_code(reloads=reloads) as code:
            redis_url = valkey.url if valkey else settings.redis_url
            supervisor = ProcessSupervisor(
                build_processes(settings, redis_url, reloads=reloads),
                settings.drain_seconds + STOP_MARGIN_SECONDS,
            )
            run(supervisor, valkey, code, settings)
    except ContinuoError as problem:
        print_line("up", str(problem))
        return 1
    print_line("up", "stopped")
    return 0


@contextlib.contextmanager
def run_valkey(settings: Settings) -> Iterator[EmbeddedValkey | None]:
    """Run the bundled Valkey inside the block; yields None when REDIS_URL is set."""
    if settings.redis_url:
        yield None
        return
    with build_valkey(settings) as server:
        print_line("up", f"bundled valkey on {server.url}, data in {server.folder}")
        yield server


@contextlib.contextmanager
def watch_code(*, reloads: bool) -> Iterator[CodeWatch | None]:
    """Watch the packages of this checkout inside the block; yields None without ``reloads``."""
    if not reloads:
        yield None
        return
    packages = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
    with CodeWatch(packages) as code:
        yield code


def build_processes(
    settings: Settings, redis_url: str, *, reloads: bool = False
) -> list[ManagedProcess]:
    """Build the processes: those of the Procfile in its order, then the mail sink."""
    environment = build_environment(settings, redis_url)
    lines = procfile.read_commands(ROOT / "Procfile")
    if not has_extra("flower"):
        lines.pop("flower", None)
    if not settings.smtp_url and has_extra("mail"):
        lines["outbox"] = "python -m project.local.mail_sink"
    return [
        ManagedProcess(name, line, environment, waits_for_code=reloads and name in RELOADED)
        for name, line in lines.items()
    ]


def build_environment(settings: Settings, redis_url: str) -> dict[str, str]:
    """Build the environment of the processes: this one, with paths and ports filled in."""
    environment = copy_environment()
    if has_extra("flower"):
        environment.setdefault("CONTINUO_FLOWER_URL", f"http://127.0.0.1:{settings.flower_port}")
    return environment | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": redis_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "FLOWER_PORT": str(settings.flower_port),
    }


def run(
    supervisor: ProcessSupervisor,
    valkey: EmbeddedValkey | None,
    code: CodeWatch | None,
    settings: Settings,
) -> None:
    """Keep all processes running until a signal says stop."""
    announced = False
    supervisor.start()
    try:
        while not wait_for_stop_signal():
            if code:
                reload_changed_code(supervisor, code)
            supervisor.supervise()
            if valkey and valkey.supervise():
                print_line("up", "valkey had exited and was restarted with its data")
            if not announced and supervisor.is_running("web") and is_ready(settings):
                print_addresses(settings)
                announced = True
    finally:
        stop(supervisor, valkey.url if valkey else settings.redis_url)


def reload_changed_code(supervisor: ProcessSupervisor, code: CodeWatch) -> None:
    """Start anew what runs changed code; code that cannot be compiled is only reported."""
    changed = code.take_changes()
    if not changed:
        return
    if problem := find_syntax_error(changed):
        print_line("up", f"not reloaded: {problem}")
        return
    names = ", ".join(sorted({str(path.relative_to(ROOT)) for path in changed})[:MAX_NAMED_FILES])
    print_line("up", f"{names} changed: {', '.join(sorted(RELOADED))} start anew")
    supervisor.renew(RELOADED)


def stop(supervisor: ProcessSupervisor, redis_url: str) -> None:
    """Stop all processes; without Redis no job can finish, so they get little time."""
    if is_redis_reachable(redis_url):
        print_line("up", "stopping; running jobs finish first")
        supervisor.stop()
    else:
        print_line("up", "stopping; Redis does not answer, so running jobs are interrupted")
        supervisor.stop_at_once(STOP_WITHOUT_REDIS_SECONDS)


def wait_for_stop_signal() -> bool:
    """Wait a moment, or until a process ends. Returns whether a signal to stop came."""
    info = signal.sigtimedwait({*SIGNALS, signal.SIGCHLD}, POLL_SECONDS)
    return bool(info and info.si_signo in SIGNALS)


def is_ready(settings: Settings) -> bool:
    """Whether the API answers and reaches Redis."""
    unspecified = ipaddress.ip_address(settings.host).is_unspecified
    host = "127.0.0.1" if unspecified else settings.host
    connection = HTTPConnection(host, settings.port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def print_addresses(settings: Settings) -> None:
    """Print where to find everything."""
    outbox = f"{settings.base_url}/outbox  (files: {settings.data_dir / 'outbox'})"
    mail = "your SMTP_URL" if settings.smtp_url else outbox
    for line in (
        f"ready after {time.monotonic() - STARTED_AT:.1f} s",
        f"console {settings.base_url}/",
        f"API     {settings.base_url}  (reference: {settings.base_url}/docs)",
        f"Flower  http://127.0.0.1:{settings.flower_port}" if has_extra("flower") else "",
        f"mail    {mail}" if has_extra("mail") else "",
        f"files   {settings.data_dir}",
        "Ctrl-C stops everything",
    ):
        if line:
            print_line("up", line)


STARTED_AT = time.monotonic()

if __name__ == "__main__":
    run_program("up", main)
