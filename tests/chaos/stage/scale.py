"""The size of the rows: in full, and in the quick form, which takes a minute for all rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChaosScale:
    """Numbers of jobs and faults; times are in seconds, rates in jobs per second.

    ``lease`` is LEASE_SECONDS of the workers, ``async_jobs`` their WORKER_ASYNC_JOBS; "" for the
    defaults.
    """

    workers: int = 3
    lease: str = ""
    async_jobs: str = ""
    jobs: int = 5_000
    rate: float = 125.0
    patience: float = 90.0
    kill_every: float = 3.0
    kill_child_every: float = 1.0
    kill_all_every: float = 20.0
    kill_all_rate: float = 60.0
    pause: float = 30.0
    paused_job: float = 45.0
    valkey_every: float = 4.0
    valkey_down: float = 1.0
    rollbacks: int = 12
    late_bytes: int = 6
    outage: float = 20.0
    restarts: int = 50
    long_job: float = 60.0
    good_jobs: int = 1_000
    child_killers: int = 6
    main_killers: int = 3
    stops: int = 20
    rounds: int = 20
    posts: int = 100
    maxmemory: str = "24mb"
    between: float = 5.0
    hosts_killed: int = 6
    host_away: float = 10.0
    link_cut: float = 30.0
    failovers: int = 3
    rabbit_faults: int = 8
    schedules: int = 10_000
    scheduled_every: int = 120
    scheduled_seconds: float = 600.0
    kill_scheduled_every: float = 20.0
    overlap_kills: int = 1_000
    step_jobs: int = 10_000
    step_rate: float = 12.5
    kill_step_every: float = 0.2
    workflows: int = 20
    workflow_nodes: int = 1_000
    workflow_kills: int = 20
    kill_workflow_every: float = 20.0
    late_seconds: float = 1.0
    fsync: str = "everysec"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the workers."""
        given = {"LEASE_SECONDS": self.lease, "WORKER_ASYNC_JOBS": self.async_jobs}
        return {name: value for name, value in given.items() if value}


FULL = ChaosScale()
QUICK = ChaosScale(
    workers=2,
    lease="1.5",
    jobs=400,
    rate=100.0,
    patience=30.0,
    kill_every=1.0,
    kill_child_every=0.3,
    pause=3.5,
    paused_job=4.5,
    valkey_every=1.0,
    valkey_down=0.4,
    rollbacks=3,
    late_bytes=2,
    restarts=5,
    good_jobs=120,
    child_killers=2,
    main_killers=0,
    between=1.0,
    link_cut=4.0,
    failovers=1,
    schedules=60,
    scheduled_every=2,
    scheduled_seconds=12.0,
    kill_scheduled_every=2.0,
    overlap_kills=20,
    step_jobs=60,
    step_rate=15.0,
    kill_step_every=0.4,
    workflows=4,
    workflow_nodes=100,
    workflow_kills=2,
    kill_workflow_every=0.7,
    late_seconds=5.0,  # so must it not
    fsync="always",  # a busy disk must not fail a test
)
