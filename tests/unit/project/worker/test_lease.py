"""The watchdog suspends the pool in time."""

import time
from typing import TYPE_CHECKING, cast

import pytest

from project.worker.lease import SUSPEND_MARGIN_SECONDS, LeaseWatchdog

if TYPE_CHECKING:
    from project.worker.pool.processes import PoolProcesses


class Pool:
    """Counts the suspensions."""

    suspended = 0

    def suspend(self) -> None:
        self.suspended += 1

    def resume(self) -> None:
        self.suspended = 0


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def watchdog(pool: Pool) -> LeaseWatchdog:
    return LeaseWatchdog(cast("PoolProcesses", pool))


@pytest.mark.parametrize("left", [0.05, 3.0])
def test_it_looks_again_when_the_pool_has_to_be_suspended(
    watchdog: LeaseWatchdog, left: float
) -> None:
    watchdog.renewed(time.monotonic() + SUSPEND_MARGIN_SECONDS + left)

    assert 0 < watchdog.watch() <= left


def test_the_pool_is_suspended_before_the_lease_ends(watchdog: LeaseWatchdog, pool: Pool) -> None:
    watchdog.renewed(time.monotonic() + SUSPEND_MARGIN_SECONDS)

    watchdog.watch()

    assert pool.suspended == 1


def test_a_suspended_pool_is_looked_at_again_for_new_processes(
    watchdog: LeaseWatchdog, pool: Pool
) -> None:
    watchdog.renewed(time.monotonic())

    pause = watchdog.watch()
    watchdog.watch()

    assert 0 < pause < SUSPEND_MARGIN_SECONDS
    assert pool.suspended == 2
