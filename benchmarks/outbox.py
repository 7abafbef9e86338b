"""Measure orders in a database: ``python -m benchmarks.outbox [--rows N] [--jobs N] [--idle S]``.

Prints how long it takes from a commit until its job starts, how many rows a second the relay
takes, how long some jobs take from their order to their end beside two queues that live in
PostgreSQL, and what an idle relay costs. PostgreSQL runs without fsync, for all of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.support.environment import PEERS_FOLDER, ROOT, install_environment
from benchmarks.support.processes import MeasuredProgram
from benchmarks.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.servers.postgres import PostgresServer

SCHEMA_FILE = ROOT / "clients" / "python" / "src" / "continuo_client" / "outbox" / "schema.sql"
ORDER = "select continuo_enqueue(%s::text, %s::text::jsonb)"
CHUNK = 500
"""Orders of one transaction, for all queues."""

PROCESSES = 2
PINGS = 500
WARM_JOBS = 200
PAUSE_SECONDS = 0.02
LOOK_SECONDS = 0.1
MAX_SECONDS = 300.0
NANOSECONDS = 1e9


class Peer(NamedTuple):
    """A queue in PostgreSQL: its commands, and the query that counts its finished jobs.

    Each of ``PROCESSES`` workers runs ``worker``; ``orders`` comes before a number of jobs.
    """

    name: str
    install: list[str]
    worker: list[str]
    orders: str
    finished: str


PROCRASTINATE = "benchmarks.peers.postgres.procrastinate"
PGQUEUER = "benchmarks.peers.postgres.pgqueuer"
PEERS = (
    Peer(
        "procrastinate",
        ["procrastinate", f"--app={PROCRASTINATE}.app", "schema", "--apply"],
        ["python", "-m", PROCRASTINATE, "work"],
        PROCRASTINATE,
        "select count(*) from procrastinate_jobs where status = 'succeeded'",
    ),
    Peer(
        "pgqueuer",
        ["pgq", "install"],
        ["python", "-m", PGQUEUER, "work"],
        PGQUEUER,
        "select count(*) from pgqueuer_log where status = 'successful'",
    ),
)


class Place:
    """A folder with a PostgreSQL server, an outbox and a Valkey, and the processes on them."""

    def __init__(self, folder: Path, server: "PostgresServer") -> None:
        import psycopg

        self.folder = folder
        self.server = server
        self.database: psycopg.Connection[Any] = psycopg.connect(server.url)
        self.database.execute(SCHEMA_FILE.read_text())
        self.database.commit()

    def start(self, command: Sequence[str], stack: ExitStack, **more: str) -> MeasuredProgram:
        """Start a program; it is killed when the stack ends."""
        programs = f"{PEERS_FOLDER.parents[1] / '.bootstrap' / 'postgres' / 'bin'}:"
        environment = self.build_environment() | more
        if command[0] != sys.executable:
            environment["PATH"] = programs + environment["PATH"]
        log = self.folder / f"{Path(command[0]).name}.log"
        program = MeasuredProgram(command, environment, log)
        stack.callback(program.kill)
        return program

    def build_environment(self) -> dict[str, str]:
        """The variables by which all queues find the database."""
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port), "PGUSER": "owner"}
        more = {"PGDATABASE": "postgres", "DATABASE_URL": self.server.url, "PYTHONPATH": str(ROOT)}
        return os.environ | place | more

    def start_worker(self, stack: ExitStack, *options: str, **more: str) -> MeasuredProgram:
        """A worker of two processes with a relay; it has taken a first order when this ends."""
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=WARNING"]
        command += ["--include=benchmarks.stacks.kinds,benchmarks.step_kinds"]
        more = {"OUTBOX_URL": self.server.url} | more
        worker = self.start([*command, f"--concurrency={PROCESSES}", *options], stack, **more)
        if more["OUTBOX_URL"]:
            self.order("bench.nothing", 1)
            self.wait_until_empty()
        return worker

    def order(self, kind: str, count: int) -> None:
        """Order jobs by one statement each, many in each transaction."""
        for first in range(0, count, CHUNK):
            with self.database.cursor() as cursor:
                rows = [(kind, "{}")] * min(CHUNK, count - first)
                cursor.executemany(ORDER, rows)
            self.database.commit()

    def read_number(self, query: str) -> int:
        """The only value of a query."""
        row = self.database.execute(query).fetchone()
        self.database.commit()
        return int(row[0]) if row else 0

    def wait_until_empty(self) -> None:
        """Wait until the relay has taken all rows."""
        is_empty = "select (not exists (select from continuo_outbox))::int"
        wait_until(lambda: self.read_number(is_empty), MAX_SECONDS, "an empty outbox")


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outbox", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows that the relay takes")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs from order to end")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds without orders")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of jobs, all queues in each")
    asked = parser.parse_args(arguments)
    from project.local.valkey import EmbeddedValkey
    from tests.support.ports import find_free_port
    from tests.support.servers.postgres import run_postgres

    install_environment(PEERS_FOLDER / "postgres")
    with run_postgres() as server, tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        port = find_free_port()
        os.environ |= {"DATA_DIR": name, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        with EmbeddedValkey(Path(name) / "valkey", port):
            place = Place(Path(name), server)
            measure_starts(place)
            measure_relay(place, asked.rows)
            measure_jobs(place, asked.jobs, asked.rounds)
            measure_idle(place, asked.idle)
    return 0


def measure_starts(place: Place) -> None:
    """Print the time from before the order and its commit until the job runs."""
    from benchmarks.step_kinds import PINGS as KEY
    from project.celery import app

    with ExitStack() as stack:
        place.start_worker(stack)
        for number in range(PINGS + PINGS // 10):
            payload = f'{{"sent_at": {time.time()!r}}}'
            place.database.execute(ORDER, ("bench.ping", payload))
            place.database.commit()
            wait_until(lambda n=number: app.store.client.llen(KEY) > n, MAX_SECONDS, "a ping")  # type: ignore[misc]
            time.sleep(PAUSE_SECONDS)
    texts = app.store.client.lrange(KEY, PINGS // 10, -1)
    seconds = [float(text) for text in texts]
    p99 = quantiles(seconds, n=100)[98]
    print(f"commit -> starts, {len(seconds)} orders: p50 {median(seconds) * 1e3:.1f} ms, ", end="")
    print(f"p99 {p99 * 1e3:.1f} ms", flush=True)


def measure_relay(place: Place, rows: int) -> None:
    """Print how many rows a second become jobs, of one commit, while no job runs."""
    fill = "select count(continuo_enqueue('bench.nothing')) from generate_series(1, %s)"
    with ExitStack() as stack:
        place.start_worker(stack, "--queues=nobody-orders-here")
        place.database.execute(fill, [rows])
        start = time.monotonic()
        place.database.commit()
        place.wait_until_empty()
    rate = rows / (time.monotonic() - start)
    print(f"through the relay: {rate:,.0f} rows/s, {rows:,} rows", flush=True)
    from project.celery import app

    app.store.client.flushall()


def measure_jobs(place: Place, jobs: int, rounds: int) -> None:
    """Print jobs per second from the first order to the last end, of all queues in turn."""
    from project.celery import app

    rates: dict[str, list[float]] = {"continuo": []}
    for _ in range(rounds):
        rates["continuo"].append(jobs / time_ours(place, jobs))
        app.store.client.flushall()
        for peer in PEERS:
            rates.setdefault(peer.name, []).append(jobs / time_peer(place, peer, jobs))
    for name, found in rates.items():
        pairs = zip(rates["continuo"], found, strict=True)
        ratio = median(ours / theirs for ours, theirs in pairs)
        values = ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"order -> done, {name}: {median(found):,.0f} jobs/s ({values}); ", end="")
        print(f"ours is {ratio:.2f} times that", flush=True)


def time_ours(place: Place, jobs: int) -> float:
    """Seconds from the first order in the outbox to the last end."""
    from benchmarks.stacks.ours import count_finished

    with ExitStack() as stack:
        place.start_worker(stack)
        place.order("bench.nothing", WARM_JOBS)
        wait_for(lambda: count_finished(0) > WARM_JOBS)
        before, start = count_finished(0), time.time()
        place.order("bench.nothing", jobs)
        return wait_for(lambda: count_finished(0) >= before + jobs) - start


def time_peer(place: Place, peer: Peer, jobs: int) -> float:
    """Seconds from the first order in another queue to the last end."""
    drop = "drop schema public cascade; create schema public"
    place.database.execute(drop)
    place.database.commit()
    with ExitStack() as stack:
        place.start(peer.install, stack).process.wait(MAX_SECONDS)
        workers = [place.start(peer.worker, stack) for _ in range(PROCESSES)]
        order_peer(place, peer, WARM_JOBS)
        wait_for(lambda: place.read_number(peer.finished) >= WARM_JOBS, *workers)
        start = order_peer(place, peer, jobs)
        end = wait_for(lambda: place.read_number(peer.finished) >= WARM_JOBS + jobs, *workers)
    place.database.execute(drop)
    place.database.execute(SCHEMA_FILE.read_text())
    place.database.commit()
    return end - start


def order_peer(place: Place, peer: Peer, jobs: int) -> float:
    """Order jobs in another queue; when it began, in seconds since the epoch."""
    python = ROOT / ".bootstrap" / "postgres" / "bin" / "python"
    command = [str(python), "-m", peer.orders, str(jobs)]
    said = subprocess.run(
        command, env=place.build_environment(), check=True, capture_output=True, timeout=MAX_SECONDS
    )
    return float(said.stdout)


def wait_for(is_done: Callable[[], bool], *programs: MeasuredProgram) -> float:
    """Look now and then, which costs little, until something is done; when that was."""
    end = time.monotonic() + MAX_SECONDS
    while not is_done():
        for program in programs:
            program.require_running()
        if time.monotonic() > end:
            raise TimeoutError(f"not within {MAX_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
    return time.time()


def measure_idle(place: Place, seconds: float) -> None:
    """Print what an idle relay costs: a worker with it beside a worker without it."""
    backends = "from pg_stat_activity where application_name = 'continuo relay'"
    with ExitStack() as stack:
        without = place.start_worker(stack, "--queues=idle", OUTBOX_URL="")
        with_relay = place.start_worker(stack, "--queues=idle")
        time.sleep(10)  # both have started
        pids = [place.read_number(f"select min(pid) {backends}")]
        groups = [[with_relay.process.pid], [without.process.pid], pids]
        before = [sum(map(read_cpu_seconds, group)) for group in groups]
        time.sleep(seconds)
        after = [sum(map(read_cpu_seconds, group)) for group in groups]
        connections = place.read_number(f"select count(*) {backends}")
    used = [(end - start) / seconds for start, end in zip(before, after, strict=True)]
    print(f"idle: connections of a relay: {connections}; ", end="")
    print(f"{used[0] - used[1]:.2%} of a core in the worker ({used[0]:.2%} with, ", end="")
    print(f"{used[1]:.2%} without), {used[2]:.2%} in PostgreSQL", flush=True)


def read_cpu_seconds(pid: int) -> float:
    """CPU time of a process, to the nanosecond: an idle one uses less than a tick."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / NANOSECONDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
