"""The scene of a row: a cluster, a client that sends jobs, and the judge at the end."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from project.celery import create_app
from project.errors import StoreUnavailable
from project.local import procfile
from project.records.record import TaskRecord, TaskStatus
from project.settings.values import Settings
from project.store.commands import queries, statistics
from tests.chaos.judge import aof
from tests.chaos.judge.ledger import RunAccount
from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.cluster import Cluster, ClusterMember, WaitTimedOut
from tests.chaos.stage.load import LoadJob, LoadThread
from tests.chaos.stage.proxy import FaultProxy
from tests.chaos.stage.scale import ChaosScale
from tests.support.programs.processes import ROOT

ONCE_KIND = "chaos.once"
UNFINISHED = (
    TaskStatus.PENDING,
    TaskStatus.RUNNING,
    TaskStatus.RETRYING,
    TaskStatus.WAITING,
)
MAX_EXAMPLES = 10
NO_RECORD = "no record"
STILL_PREFIX = "still"
MAX_OUTAGE_SECONDS = 120.0


class ChaosScene:
    """The cluster, the client and the judge of one row."""

    kinds: Sequence[str] = ("short", "once")
    """The job kinds that every row with a load sends."""

    is_judged = True

    def __init__(self, name: str, cluster: Cluster, proxy: FaultProxy, place: Any = None) -> None:
        self.name = name
        self.cluster = cluster
        self.proxy = proxy
        self.place = place
        self.app = self.make_app()
        self.load: LoadThread | None = None
        self.kind_by_id: dict[str, str] = {}
        self.resumes: list[float] = []
        self.recoveries: list[float] = []
        self.expected_failures: set[str] = set()
        self.may_overlap = False
        self.rolls_back = False
        self.notes: dict[str, Any] = {}
        self.faults: list[str] = []
        self.started_at = time.monotonic()

    def make_app(self) -> Any:
        """The application that sends the jobs."""
        data = self.cluster.folder / "data"
        broker_url = self.cluster.environment.get("BROKER_URL", "")
        given = Settings(redis_url=self.cluster.address, broker_url=broker_url, data_dir=data)
        return create_app(given)

    def order(self, kind: str, *more: Any) -> LoadJob:
        """A job of the kind ``chaos.<kind>``."""
        return LoadJob(f"chaos.{kind}", [str(self.cluster.ledger.path), *more])

    def send(self, kind: str, *more: Any) -> str:
        """Send one job; returns its id."""
        order = self.order(kind, *more)
        job_id: str = self.app.send_task(order.kind, order.args).id
        self.kind_by_id[job_id] = order.kind
        return job_id

    def keep_sending(
        self, total: int, rate: float, orders: Sequence[LoadJob] | None = None
    ) -> LoadThread:
        """Start a client that sends these orders in turn, or one of each usual kind."""
        usual = [self.order(kind) for kind in self.kinds]
        self.load = LoadThread(self.app.send_task, orders or usual, total=total, rate=rate)
        self.load.start()
        return self.load

    def accepted(self) -> dict[str, str]:
        """The kinds of all accepted jobs, by id."""
        return self.kind_by_id | (self.load.accepted if self.load else {})

    def settle(self, seconds: float) -> None:
        """Wait until all jobs are sent and final; jobs that are not final in time are lost."""
        self.expect(self.is_settled, seconds, "jobs not final")

    def expect(self, look: Callable[[], object], seconds: float, what: str) -> bool:
        """Wait until ``look`` is true; False, and a fault of the row, when it is not in time."""
        try:
            self.cluster.wait_until(look, seconds, what)
        except WaitTimedOut as late:
            self.faults.append(str(late))
            return False
        return True

    def is_settled(self) -> bool:
        """Whether all jobs are sent and final."""
        if self.load and self.load.is_alive():
            return False
        try:
            counts = self.app.store.run(statistics.read_stats()).status_counts
        except StoreUnavailable:
            return False
        return not any(counts.get(status) for status in UNFINISHED)

    def record(self, job_id: str) -> TaskRecord | None:
        """The record of a job, None when there is none."""
        found: TaskRecord | None = self.app.store.run(queries.read_record(job_id))
        return found

    def is_over(self, job_id: str) -> bool:
        """Whether the job is final."""
        record = self.record(job_id)
        return record is not None and record.is_final

    def runner_of(self, job_id: str, seconds: float = 30.0) -> ClusterMember:
        """Wait until a worker has started this job; returns that worker."""
        self.cluster.wait_until(lambda: self._starts_of(job_id), seconds, f"{job_id} not started")
        return self.cluster.member_of(self._starts_of(job_id)[-1])

    def _starts_of(self, job_id: str) -> list[str]:
        return [run.start.worker for run in self.account().by_job.get(job_id, [])]

    def account(self) -> RunAccount:
        """The runs that the ledger has so far."""
        return self.cluster.ledger.account(self.cluster.deaths.at)

    def measure_resume(self, at: float) -> None:
        """Measure from ``at`` until every worker has started a job again."""
        names = {f"{member.name}@chaos" for member in self.cluster.members}
        ledger = self.cluster.ledger
        back = self.expect(
            lambda: names <= ledger.measure_resumes(at).keys(),
            MAX_OUTAGE_SECONDS,
            "a worker did not resume",
        )
        self.resumes.append(
            max(ledger.measure_resumes(at).values()) if back else MAX_OUTAGE_SECONDS
        )

    def figures(self) -> RowResult:
        """Judge the row after its end."""
        self.cluster.supervise_members()
        accepted, account = self.accepted(), self.account()
        twice, overlapping = account.effects_twice(), account.overlapping()
        lost = self.lost(accepted, account)
        self._note(lost, account)
        finishes = self.accepted_finishes(self.cluster.valkey.folder)
        return RowResult(
            row=self.name,
            enqueued=len(accepted),
            finished=len(account.finished & accepted.keys()),
            lost=len(lost),
            late=self.late(lost),
            accepted_twice=sum(count - 1 for count in finishes.values() if count > 1),
            killed=self.cluster.killed,
            effects_twice=sum(n for job, n in twice.items() if accepted.get(job) != ONCE_KIND),
            once_twice=sum(n for job, n in twice.items() if accepted.get(job) == ONCE_KIND),
            overlapping=len(overlapping),
            recovery=self.worst_recovery(account),
            resume=max(self.resumes, default=None),
            seconds=time.monotonic() - self.started_at,
            may_overlap=self.may_overlap or self.rolls_back,
            rolls_back=self.rolls_back,
            is_judged=self.is_judged,
            faults=self.faults,
            notes=self.notes,
        )

    def worst_recovery(self, account: RunAccount) -> float | None:
        """The longest time from a kill to the next start of a job that it interrupted."""
        waits = account.recoveries(self.cluster.kills, self.starts()) + self.recoveries
        return max(waits, default=None)

    def starts(self) -> dict[str, list[float]]:
        """The start times of each job's attempts, from Redis's append-only file."""
        return aof.read_starts(self.cluster.valkey.folder)

    def accepted_finishes(self, data: Path) -> dict[str, int]:
        """How many times each job got a final status."""
        return aof.count_finishes(data)

    def lost(self, accepted: dict[str, str], account: RunAccount) -> dict[str, str]:
        """The jobs that did not end as they should, each with its fault."""
        finished = account.finished
        found = {job: self._describe_fault(job, finished) for job in accepted}
        forgotten = {NO_RECORD} if self.rolls_back else set()
        return {
            job: complaint
            for job, complaint in found.items()
            if complaint and complaint not in forgotten
        }

    def late(self, lost: dict[str, str]) -> int:
        """How many of the lost jobs are still in Redis and may run later."""
        return sum(complaint.startswith(STILL_PREFIX) for complaint in lost.values())

    def _describe_fault(self, job_id: str, finished: set[str]) -> str:
        record = self.record(job_id)
        if record is None:
            return NO_RECORD
        if job_id in self.expected_failures:
            return "" if record.is_final else f"{STILL_PREFIX} {record.status}"
        if not record.is_final:
            return f"{STILL_PREFIX} {record.status}"
        if record.status is not TaskStatus.SUCCESS:
            return f"{record.status}: {record.error[-200:]}"
        return "" if job_id in finished or record.kind == ONCE_KIND else "success without an effect"

    def _note(self, lost: dict[str, str], account: RunAccount) -> None:
        cluster = self.cluster
        self.notes |= {"kills": len(cluster.kills), "exits": list(cluster.exits)}
        if self.resumes:
            self.notes["resumes"] = [round(seconds, 2) for seconds in self.resumes]
        if self.load and self.load.refusals:
            self.notes["refusals"] = dict(self.load.refusals)
        if lost:
            self.notes["lost"] = dict(list(lost.items())[:MAX_EXAMPLES])
        if overlapping := account.overlapping()[:MAX_EXAMPLES]:
            self.notes["overlapping"] = [
                f"{earlier.start} over at {earlier.over_at} | {later.start}"
                for earlier, later in overlapping
            ]

    def pause(self, member: ClusterMember) -> None:
        """Send SIGSTOP to all processes of a worker."""
        self.cluster.signal(member, signal.SIGSTOP)

    def unpause(self, member: ClusterMember) -> float:
        """Send SIGCONT to all processes of a worker; returns the time."""
        self.cluster.signal(member, signal.SIGCONT)
        return time.time()


class ChaosStage:
    """Runs rows with Continuo's workers; each row has its own folder below ``root``.

    Subclasses run the same rows with other workers.
    """

    scene: type[ChaosScene] = ChaosScene
    label = ""
    application = "project"
    kinds = "tests.chaos.jobs.kinds"

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def __call__(
        self,
        row: str,
        scale: ChaosScale,
        *,
        workers: int | None = None,
        proxied: int = 0,
        valkey_options: Sequence[str] = (),
        as_procfile: bool = False,
        place: Callable[[Cluster], AbstractContextManager[Any]] = nullcontext,
    ) -> Iterator[ChaosScene]:
        """A scene with ready workers; ``proxied`` of them reach Redis through a proxy.

        ``place`` wraps the cluster, for example with Sentinels, before its workers start.
        """
        name = f"{row} {self.label}".strip()
        cluster = Cluster(
            self.root / name.replace(" ", "-"),
            workers=scale.workers if workers is None else workers,
            command=self.procfile_command() if as_procfile else self.command(),
            environment=scale.environment | self.environment(),
            valkey_options=valkey_options,
            fsync=scale.fsync,
        )
        with cluster, place(cluster) as built, FaultProxy(cluster.valkey.port) as proxy:
            scene = self.scene(name, cluster, proxy, built)
            for member in cluster.members[:proxied]:
                cluster.start(member, f"redis://127.0.0.1:{proxy.port}/0")
            cluster.start_workers()
            scene.started_at = time.monotonic()
            yield scene

    def command(self) -> list[str]:
        """The command that starts a worker."""
        celery = [sys.executable, "-m", "celery", "-A", self.application, "worker"]
        return [*celery, f"--include={self.kinds}", "--loglevel=INFO"]

    def procfile_command(self) -> list[str]:
        """The Procfile's worker command, with the chaos kinds."""
        line = procfile.read_commands(ROOT / "Procfile")["worker"].replace(
            "project", self.application
        )
        return ["sh", "-c", f'exec {line} --include={self.kinds} "$@"', "worker"]

    def environment(self) -> dict[str, str]:
        """Environment variables of the workers besides those of the scale."""
        return {}
