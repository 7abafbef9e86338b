"""The watchdog suspends the pool in time."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from project.worker.lease import SUSPEND_MARGIN_SECONDS, LeaseWatchdog
from project.worker.pool.processes import PoolProcesses
from tests.support.programs.processes import is_still, run_idle_process
from tests.support.waiting import wait_until


class Pool:
    """Processes that do nothing."""

    def __init__(self) -> None:
        self.ends = ExitStack()
        self.processes: list[subprocess.Popen[bytes]] = []

    def start_process(self) -> None:
        self.processes.append(self.ends.enter_context(run_idle_process()))

    def living(self) -> list[subprocess.Popen[bytes]]:
        return self.processes

    def is_suspended(self) -> bool:
        return all(is_still(process.pid) for process in self.processes)


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    with pool.ends:
        pool.start_process()
        yield pool


@pytest.fixture
def watchdog(pool: Pool) -> LeaseWatchdog:
    return LeaseWatchdog(PoolProcesses(SimpleNamespace(pool=pool)))


@pytest.mark.parametrize("left", [0.2, 3.0])
def test_it_looks_again_when_the_pool_has_to_be_suspended(
    watchdog: LeaseWatchdog, pool: Pool, left: float
) -> None:
    watchdog.renewed(time.monotonic() + SUSPEND_MARGIN_SECONDS + left)

    assert 0 < watchdog.watch() <= left
    assert not pool.is_suspended()


def test_the_pool_is_suspended_before_the_lease_ends(watchdog: LeaseWatchdog, pool: Pool) -> None:
    watchdog.renewed(time.monotonic() + SUSPEND_MARGIN_SECONDS)

    watchdog.watch()

    wait_until(pool.is_suspended)


def test_a_process_that_starts_while_the_pool_is_suspended_is_suspended_too(
    watchdog: LeaseWatchdog, pool: Pool
) -> None:
    watchdog.renewed(time.monotonic())
    pause = watchdog.watch()
    pool.start_process()

    watchdog.watch()

    assert 0 < pause < SUSPEND_MARGIN_SECONDS
    wait_until(pool.is_suspended)


def test_the_pool_goes_on_when_the_lease_is_renewed(watchdog: LeaseWatchdog, pool: Pool) -> None:
    watchdog.renewed(time.monotonic())
    watchdog.watch()
    wait_until(pool.is_suspended)

    watchdog.renewed(time.monotonic() + 60)

    wait_until(lambda: not pool.is_suspended())
