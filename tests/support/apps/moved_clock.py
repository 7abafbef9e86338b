"""No jobs: processes that import it, through CONTINUO_TASKS, have a clock that a test moves."""

from tests.support.schedules.clock import move_scripts

move_scripts()
