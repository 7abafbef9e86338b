"""The rows by name."""

from collections.abc import Callable

from tests.chaos import clients, kills, machines, outages, pauses, stops
from tests.chaos.faults import Mode
from tests.chaos.figures import Figures
from tests.chaos.scale import Scale
from tests.chaos.scene import Stage

HOST_ROW = "host-cut"
"""Of those that need hosts the one in the short form."""

type Row = Callable[[Stage, Scale], Figures]

ROWS: dict[str, Row] = {
    "kill-mains": kills.kill_mains,
    "kill-children": kills.kill_children,
    "kill-all": kills.kill_all,
    "pause": pauses.pause,
    "kill-valkey": outages.kill_valkey,
    "cut-refuse": outages.cut(Mode.REFUSE),
    "cut-swallow": outages.cut(Mode.SWALLOW),
    "cut-hold": outages.cut(Mode.HOLD),
    "cut-one": outages.cut_one,
    "restarts": outages.restarts,
    "posts": clients.posts,
    "long-job": kills.long_job,
    "poison": kills.poison,
    "rolling": stops.rolling,
    "full": outages.full,
    "host-kill": machines.host_kill,
    HOST_ROW: machines.host_cut,
    "failover": machines.failover,
    "rabbitmq": machines.rabbit,
}
QUICK_ROWS = (
    *("kill-mains", "kill-children", "pause", "kill-valkey", "restarts", "poison"),
    *("failover", HOST_ROW),
)
STOCK_ROWS = (
    *("kill-mains", "kill-children", "kill-all"),
    *("kill-valkey", "cut-refuse", "cut-swallow", "cut-hold", "restarts"),
    *("long-job", "poison", "rolling"),
)
