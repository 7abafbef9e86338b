"""The rows by name."""

from collections.abc import Callable

from tests.chaos.judge.row_result import RowResult
from tests.chaos.rows import (
    clients,
    flows,
    kills,
    machines,
    outages,
    pauses,
    stepping,
    stops,
    timed,
)
from tests.chaos.stage.proxy import Mode
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosStage

HOST_ROW = "host-cut"
"""The row of the quick form that needs hosts."""

type RowFunction = Callable[[ChaosStage, ChaosScale], RowResult]

ROWS: dict[str, RowFunction] = {
    "kill-mains": kills.kill_mains,
    "kill-children": kills.kill_children,
    "kill-async": kills.kill_async_processes,
    "kill-all": kills.kill_all,
    "pause": pauses.pause_worker,
    "kill-valkey": outages.kill_valkey,
    "rollback": outages.roll_valkey_back,
    "cut-refuse": outages.build_cut_row(Mode.REFUSE),
    "cut-swallow": outages.build_cut_row(Mode.SWALLOW),
    "cut-hold": outages.build_cut_row(Mode.HOLD),
    "late-bytes": outages.deliver_late,
    "cut-one": outages.cut_one,
    "restarts": outages.restart_valkey_often,
    "posts": clients.kill_api,
    "long-job": kills.run_long_job,
    "poison": kills.enqueue_killers,
    "rolling": stops.restart_workers,
    "full": outages.fill_valkey,
    "host-kill": machines.kill_hosts,
    HOST_ROW: machines.cut_host,
    "failover": machines.fail_over,
    "rabbitmq": machines.kill_rabbitmq,
    "schedules": timed.fire_schedules,
    "overlap": timed.fire_long_schedules,
    "steps": stepping.kill_between_steps,
    "workflow": flows.run_workflow,
}
QUICK_ROWS = (
    *("kill-mains", "kill-children", "pause", "kill-valkey", "restarts", "poison"),
    *("schedules", "steps", "workflow", "failover", HOST_ROW),
)
STOCK_ROWS = (
    *("kill-mains", "kill-children", "kill-all"),
    *("kill-valkey", "cut-refuse", "cut-swallow", "cut-hold", "restarts"),
    *("long-job", "poison", "rolling"),
)
