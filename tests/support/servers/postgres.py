"""Run a PostgreSQL server on a free port, in a temporary folder."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.ports import find_free_port
from tests.support.waiting import PATIENCE, wait_until

BINARIES = Path("/usr/lib/postgresql")
SCHEMA = """
create table orders (
    id bigint primary key, placed date not null, at timestamptz, vendor text, note text,
    amount numeric(12, 2) not null, weight float8, urgent boolean, tags text[]
);
insert into orders
select i, date '2026-01-01' + (i % 90)::int,
    timestamptz '2026-01-01 12:00+00' + i * interval '1 min',
    case when i % 10 = 0 then '=cmd' || i else 'Vendor ' || (i % 7) end,
    case i % 3 when 0 then null when 1 then '' else 'a "note", with' || chr(10) || 'two lines' end,
    i * 1.25, i / 3.0, i % 2 = 0, array['x', 'y']
from generate_series(1, 2500) i;
create table secrets (word text);
create role reader login;
grant select on orders to reader;
"""


def find_program(name: str) -> str:
    """The path of a PostgreSQL program. Without it the test is skipped, in CI it fails."""
    paths = sorted(BINARIES.glob(f"*/bin/{name}"))
    if paths:
        return str(paths[-1])
    message = "PostgreSQL is not installed: apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


class PostgresServer:
    """A server on a folder and a free port, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the owner of everything."""
        return f"postgresql://owner@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Create the files of a server."""
        initdb, data = find_program("initdb"), self.folder / "data"
        user = build_user_options(self.folder)
        command = [initdb, "-D", data, "-A", "trust", "-U", "owner", "-E", "UTF8"]
        subprocess.run(
            [*command, "--locale=C.UTF-8", "-N"],
            check=True, stdout=subprocess.DEVNULL, timeout=60 * PATIENCE, cwd=self.folder, **user,
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        command = [find_program("postgres"), "-D", self.folder / "data", "-p", str(self.port)]
        command += ["-k", "", "-c", "fsync=off", "-c", "max_prepared_transactions=5"]
        user = build_user_options(self.folder)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **user
            )
        wait_until(lambda: try_execute(self.url, "select 1"), 30)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server; open connections break."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)


@contextmanager
def run_postgres() -> Iterator[PostgresServer]:
    """Run an empty server."""
    with TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def serve_postgres() -> Iterator[str]:
    """Start a server with ``SCHEMA``; yields the URL of the role that may only read orders."""
    with run_postgres() as server:
        assert try_execute(server.url, SCHEMA)
        yield server.url.replace("owner@", "reader@")


def build_user_options(folder: Path) -> dict[str, int]:
    """Popen's options for the server's user: PostgreSQL refuses to run as root."""
    if os.getuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def try_execute(url: str, statements: str) -> bool:
    """Execute statements; False while the server does not take connections."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute(statements)
    except psycopg.OperationalError:
        return False
    return True
