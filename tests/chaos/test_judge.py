"""The judge of the chaos suite finds every fault and reports no others."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.jobs.run_writer import RunWriter
from tests.chaos.judge import aof
from tests.chaos.judge.ledger import EventType, Kill, LedgerEvent, RunAccount, RunLedger
from tests.chaos.judge.row_result import RowResult
from tests.chaos.judge.step_log import StepEvent, list_repeated, write_step
from tests.chaos.stage.cluster import Deaths
from tests.support.programs.processes import is_still, run_idle_process
from tests.support.waiting import wait_until

type LedgerLine = tuple[str, str, str, int, float]
"""Event type, job, run, process id, time."""


def build_account(*lines: LedgerLine, deaths: dict[int, float] | None = None) -> RunAccount:
    events = [
        LedgerEvent(EventType(what), job, 1, run, "w1@chaos", pid, at)
        for what, job, run, pid, at in lines
    ]
    return RunAccount(events, deaths or {})


ONE_RUN: tuple[LedgerLine, ...] = (("start", "a", "r1", 1, 1.0), ("finish", "a", "r1", 1, 2.0))


def test_one_run_with_one_effect_has_no_fault() -> None:
    judged = build_account(*ONE_RUN)

    assert judged.finished == {"a"}
    assert judged.effects_twice() == {}
    assert judged.overlapping() == []


def test_effects_beyond_the_first_are_counted() -> None:
    again = [("start", "a", f"r{n}", n, n + 1.0) for n in (2, 3)]
    effects = [("finish", "a", f"r{n}", n, n + 1.5) for n in (2, 3)]
    assert build_account(*ONE_RUN, *again, *effects).effects_twice() == {"a": 2}


def test_a_run_that_begins_before_another_ends_overlaps() -> None:
    judged = build_account(*ONE_RUN, ("start", "a", "r2", 2, 1.9))
    assert [(a.start.run, b.start.run) for a, b in judged.overlapping()] == [("r1", "r2")]


def test_a_run_ends_with_its_process() -> None:
    lines: tuple[LedgerLine, ...] = (("start", "a", "r1", 1, 1.0), ("start", "a", "r2", 2, 3.0))
    assert build_account(*lines, deaths={1: 2.9}).overlapping() == []
    assert len(build_account(*lines, deaths={1: 3.1}).overlapping()) == 1


@pytest.fixture
def stopped() -> Iterator[subprocess.Popen[bytes]]:
    """A stopped process, whose end takes a while: it has memory to give back."""
    with run_idle_process("memory = b'x' * (300 << 20)") as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_still(process.pid), 10)
        yield process


@pytest.fixture
def deaths(stopped: subprocess.Popen[bytes]) -> Deaths:
    """Watches the stopped process, and has seen that it is."""
    deaths = Deaths()
    deaths.watch([stopped.pid])
    deaths.look()
    return deaths


def find_end(deaths: Deaths, pid: int) -> float:
    """Look until the end of the process is noted; the time that was noted."""
    wait_until(lambda: (deaths.look(), deaths.at.get(pid))[1], 10)
    return deaths.at[pid]


def test_a_process_that_is_killed_while_it_is_stopped_ended_when_it_was_stopped(
    stopped: subprocess.Popen[bytes], deaths: Deaths
) -> None:
    killed_at = time.time()

    stopped.kill()

    assert find_end(deaths, stopped.pid) <= killed_at


def test_a_process_that_went_on_after_a_stop_ends_when_it_is_killed(
    stopped: subprocess.Popen[bytes], deaths: Deaths
) -> None:
    stopped.send_signal(signal.SIGCONT)
    wait_until(lambda: not is_still(stopped.pid), 10)
    deaths.look()
    killed_at = time.time()

    stopped.kill()

    assert find_end(deaths, stopped.pid) >= killed_at


def test_a_run_of_a_live_process_overlaps_with_all_later_runs() -> None:
    assert build_account(("start", "a", "r1", 1, 1.0), ("start", "a", "r2", 2, 9.0)).overlapping()


def test_a_run_is_over_after_its_last_step() -> None:
    steps: tuple[LedgerLine, ...] = (("start", "a", "r1", 1, 1.0), ("step", "a", "r1", 1, 2.0))
    assert build_account(*steps, ("start", "a", "r2", 2, 2.1)).overlapping() == []
    assert build_account(*steps, ("start", "a", "r2", 2, 1.9)).overlapping()


def test_recovery_is_the_time_from_the_kill_to_the_next_start() -> None:
    judged = build_account(
        ("start", "a", "r1", 1, 1.0), ("start", "a", "r2", 2, 8.5), deaths={1: 2.0}
    )
    assert judged.recoveries([Kill(2.0, frozenset({1}))]) == [6.5]


def test_a_start_that_only_redis_recorded_counts_for_recovery() -> None:
    judged = build_account(
        ("start", "a", "r1", 1, 1.0), ("start", "a", "r2", 2, 20.0), deaths={1: 2.0}
    )
    assert judged.recoveries([Kill(2.0, frozenset({1}))], {"a": [0.9, 9.0, 19.9]}) == [7.0]


def test_a_run_that_is_killed_between_two_steps_counts_as_interrupted() -> None:
    steps: tuple[LedgerLine, ...] = (("start", "a", "r1", 1, 1.0), ("step", "a", "r1", 1, 2.0))
    judged = build_account(*steps, ("start", "a", "r2", 2, 8.0))
    assert judged.recoveries([Kill(2.04, frozenset({1}))]) == [8.0 - 2.04]


def test_a_kill_between_jobs_interrupts_nothing() -> None:
    assert build_account(*ONE_RUN).recoveries([Kill(3.0, frozenset({1}))]) == []
    assert build_account(*ONE_RUN).recoveries([Kill(1.5, frozenset({2}))]) == []


def test_the_ledger_reads_what_a_run_writer_writes(tmp_path: Path) -> None:
    ledger = RunLedger(tmp_path / "ledger")
    writer = RunWriter(str(ledger.path), "a", 1, "w1@chaos")
    writer.write(EventType.START)
    assert [event.what for event in ledger.events()] == ["start"]

    writer.write(EventType.FINISH)
    assert [(event.job, event.what) for event in ledger.events()] == [
        ("a", "start"),
        ("a", "finish"),
    ]


def test_an_incomplete_line_is_read_when_it_is_complete(tmp_path: Path) -> None:
    ledger = RunLedger(tmp_path / "ledger")
    ledger.path.write_text("start a 1 r1 w1 1 1.0\nfinish a 1")
    assert len(ledger.events()) == 1

    with ledger.path.open("a") as file:
        file.write(" r1 w1 1 2.0\n")
    assert [event.at for event in ledger.events()] == [1.0, 2.0]


def test_a_worker_resumes_with_its_first_start_after_the_return(tmp_path: Path) -> None:
    ledger = RunLedger(tmp_path / "ledger")
    lines = ("start a 1 r1 w1 1 1.0", "start b 1 r2 w1 1 5.0", "start c 1 r3 w1 1 6.0")
    ledger.path.write_text("".join(f"{line}\n" for line in lines))

    assert ledger.measure_resumes(2.0) == {"w1": 3.0}


def encode_resp(*words: str) -> bytes:
    parts = [f"*{len(words)}", *(part for word in words for part in (f"${len(word)}", word))]
    return "".join(f"{part}\r\n" for part in parts).encode()


@pytest.fixture
def history(tmp_path: Path) -> Callable[[bytes], dict[str, list[str]]]:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()

    def read(data: bytes) -> dict[str, list[str]]:
        (folder / "appendonly.aof.1.incr.aof").write_bytes(data)
        return aof.read_histories(tmp_path)

    return read


def encode_status_change(status: str) -> bytes:
    return encode_resp("HSET", "continuo:job:a", "status", status, "updated_at", "1")


def test_statuses_are_read_from_the_append_only_file(
    history: Callable[[bytes], dict[str, list[str]]], tmp_path: Path
) -> None:
    other = encode_resp("HSET", "continuo:job:a", "cancel", "1") + encode_resp(
        "SET", "x", "a\r\n*1"
    )
    assert history(
        encode_status_change("pending")
        + other
        + encode_status_change("success")
        + encode_status_change("success")
    ) == {"a": ["pending", "success", "success"]}
    assert aof.count_finishes(tmp_path) == {"a": 2}


def test_an_incomplete_last_command_is_ignored(
    history: Callable[[bytes], dict[str, list[str]]],
) -> None:
    whole, torn = encode_status_change("pending"), encode_status_change("success")
    for length in range(len(torn)):
        assert history(whole + torn[:length]) == {"a": ["pending"]}


@pytest.mark.parametrize(
    "bad",
    [
        {"lost": 1},
        {"accepted_twice": 1},
        {"overlapping": 1},
        {"once_twice": 1, "killed": 5},
        {"effects_twice": 2, "killed": 1},
        {"recovery": 15.1},
        {"resume": 5.1},
        {"faults": ["something else"]},
    ],
)
def test_each_promise_can_be_broken(bad: dict[str, object]) -> None:
    assert RowResult("row").find_broken_promises() == []
    assert len(RowResult("row", **bad).find_broken_promises()) == 1  # type: ignore[arg-type] # one of any type


def test_a_step_that_runs_after_it_was_finished_is_found(tmp_path: Path) -> None:
    log = tmp_path / "steps"
    for job, number, event in (("a", 0, "run"), ("a", 0, "run"), ("a", 0, "finished")):
        write_step(str(log), job, number, StepEvent(event))
    before = list_repeated(log)

    write_step(str(log), "a", 0, StepEvent.RUN)
    write_step(str(log), "a", 1, StepEvent.RUN)

    assert (before, list_repeated(log)) == ([], ["a 0"])
