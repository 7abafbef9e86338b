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
from project.local.supervisor import Crew, Member, say
from project.local.valkey import EmbeddedValkey, bundled
from project.settings.values import Settings, settings

ROOT = Path(__file__).parents[2]
LOOK_EVERY = 0.25
PROBE_TIMEOUT = 1.0
STOP_MARGIN = 10.0
"""Seconds a process gets beyond the time it may take to drain."""

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main() -> int:
    """Run everything until told to stop; 0 when it all ended in order."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, signal.SIGCHLD})
    given = settings()
    try:
        with bundled_valkey(given) as valkey:
            redis_url = valkey.url if valkey else given.redis_url
            crew = Crew(members(given, redis_url), given.drain_seconds + STOP_MARGIN)
            run(crew, valkey, given)
    except ContinuoError as problem:
        say("up", str(problem))
        return 1
    say("up", "stopped")
    return 0


@contextlib.contextmanager
def bundled_valkey(given: Settings) -> Iterator[EmbeddedValkey | None]:
    """The bundled Valkey while it runs; None when REDIS_URL names another."""
    if given.redis_url:
        yield None
        return
    with bundled(given) as server:
        say("up", f"bundled valkey on {server.url}, data in {server.folder}")
        yield server


def members(given: Settings, redis_url: str) -> list[Member]:
    """The Procfile's processes in its order, then the mail sink."""
    environment = surroundings(given, redis_url)
    lines = procfile.read(ROOT / "Procfile")
    if not given.smtp_url:
        lines["outbox"] = "python -m project.local.mail_sink"
    return [Member(name, line, environment) for name, line in lines.items()]


def surroundings(given: Settings, redis_url: str) -> dict[str, str]:
    """The environment of the processes: ours, with what was left open filled in."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": redis_url,
        "DATA_DIR": str(given.data_dir),
        "PORT": str(given.port),
        "FLOWER_PORT": str(given.flower_port),
    }


def run(crew: Crew, valkey: EmbeddedValkey | None, given: Settings) -> None:
    """Keep everything up until a signal says stop."""
    greeted = False
    crew.start()
    try:
        while not told_to_stop():
            crew.look_after()
            if valkey and valkey.look_after():
                say("up", "valkey had ended; it is back with its data")
            if not greeted and is_ready(given):
                greet(given)
                greeted = True
    finally:
        say("up", "stopping; jobs in hand are finished first")
        crew.stop()


def told_to_stop() -> bool:
    """Wait a moment, less when a process ends; whether a signal to stop came."""
    info = signal.sigtimedwait({*SIGNALS, signal.SIGCHLD}, LOOK_EVERY)
    return bool(info and info.si_signo in SIGNALS)


def is_ready(given: Settings) -> bool:
    """Whether the API answers and reaches its broker."""
    unspecified = ipaddress.ip_address(given.host).is_unspecified
    host = "127.0.0.1" if unspecified else given.host
    connection = HTTPConnection(host, given.port, timeout=PROBE_TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def greet(given: Settings) -> None:
    """Say where everything is."""
    kept = f"{given.base_url}/outbox  (files: {given.data_dir / 'outbox'})"
    for line in (
        f"ready after {time.monotonic() - STARTED:.1f} s",
        f"console {given.base_url}/",
        f"API     {given.base_url}  (reference: {given.base_url}/docs)",
        f"Flower  http://127.0.0.1:{given.flower_port}",
        f"mail    {'your SMTP_URL' if given.smtp_url else kept}",
        f"files   {given.data_dir}",
        "Ctrl-C stops it all",
    ):
        say("up", line)


STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
