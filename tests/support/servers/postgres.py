"""Run a PostgreSQL server on a free port, in a temporary folder."""

import os
import pwd
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


@contextmanager
def serve_postgres() -> Iterator[str]:
    """Start a server with ``SCHEMA``; yields the URL of the role that may only read orders."""
    with TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        yield from _serve(Path(folder))


def _serve(folder: Path) -> Iterator[str]:
    data, port = folder / "data", str(find_free_port())
    initdb, postgres = find_program("initdb"), find_program("postgres")
    user = build_user_options(folder)
    subprocess.run(
        [initdb, "-D", data, "-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, stdout=subprocess.DEVNULL, timeout=60 * PATIENCE, cwd=folder, **user,
    )  # fmt: skip
    command = [postgres, "-D", data, "-p", port, "-k", "", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
    try:
        address = f"127.0.0.1:{port}/postgres"
        wait_until(lambda: try_create_schema(f"postgresql://owner@{address}"), 30)
        yield f"postgresql://reader@{address}"
    finally:
        server.terminate()
        server.wait(20)


def build_user_options(folder: Path) -> dict[str, int]:
    """Popen's options for the server's user: PostgreSQL refuses to run as root."""
    if os.getuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def try_create_schema(url: str) -> bool:
    """Create the schema; False while the server does not take connections."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute(SCHEMA)
    except psycopg.OperationalError:
        return False
    return True
