"""The crew that ``project.local.up`` keeps running, with real processes."""

import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.errors import ContinuoError
from project.local.supervisor import (
    MAX_RESTART_PAUSE_SECONDS,
    RESTART_PAUSE_SECONDS,
    STABLE_AFTER_SECONDS,
    ManagedProcess,
    ProcessSupervisor,
    describe_exit,
)
from tests.support.waiting import wait_until

WAITS = "sleep 60"
DEAF = """sh -c 'trap "" TERM; echo deaf; sleep 60 & wait; wait'"""


class Heard:
    """All that was printed so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def lines(self) -> list[str]:
        self._text += self._capture.readouterr().out
        return self._text.splitlines()

    def waits_for(self, line: str) -> None:
        wait_until(lambda: line in self.lines(), 5)


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str]) -> Heard:
    return Heard(capsys)


@pytest.fixture
def members() -> Iterator[list[ManagedProcess]]:
    """Whoever is put here is ended after the test."""
    members: list[ManagedProcess] = []
    yield members
    for member in members:
        member.stop(0)


def start_process(members: list[ManagedProcess], command: str, name: str = "one") -> ManagedProcess:
    member = ManagedProcess(name, command, os.environ)
    member.start()
    members.append(member)
    return member


def wait_for_end(member: ManagedProcess) -> None:
    """Wait for the end of its process, which it has not looked at yet."""
    assert member.process
    os.waitid(os.P_PID, member.process.pid, os.WEXITED | os.WNOWAIT)


def test_each_line_is_printed_after_the_name(members: list[ManagedProcess], heard: Heard) -> None:
    start_process(members, "printf 'a b\\nlast'", "talker")
    heard.waits_for("talker  | a b")
    heard.waits_for("talker  | last")


def test_stderr_is_printed_too(members: list[ManagedProcess], heard: Heard) -> None:
    start_process(members, "sh -c 'echo wrong >&2'")
    heard.waits_for("one     | wrong")


def test_undecodable_bytes_do_not_stop_the_output(
    members: list[ManagedProcess], heard: Heard
) -> None:
    start_process(members, "printf '\\377\\nnext\\n'")
    heard.waits_for("one     | next")


def test_the_command_replaces_its_shell(members: list[ManagedProcess]) -> None:
    member = start_process(members, WAITS)
    assert member.process
    runs = Path(f"/proc/{member.process.pid}/cmdline")
    wait_until(lambda: runs.read_bytes() == b"sleep\x0060\0", 5)


def test_the_command_gets_its_environment(members: list[ManagedProcess], heard: Heard) -> None:
    members.append(ManagedProcess("one", 'echo "$GREETING"', os.environ | {"GREETING": "hello"}))
    members[0].start()
    heard.waits_for("one     | hello")


def test_a_process_that_ends_is_restarted_after_a_pause(
    members: list[ManagedProcess], heard: Heard
) -> None:
    member = start_process(members, "sh -c 'exit 3'")
    wait_for_end(member)
    now = time.monotonic()
    first = member.process
    member.supervise(now)
    assert member.restart_at == now + 2 * RESTART_PAUSE_SECONDS
    assert "up      | one exited with 3; started again in 1.0 s" in heard.lines()

    member.supervise(now + 2 * RESTART_PAUSE_SECONDS - 0.01)
    assert member.process is first

    member.supervise(now + 2 * RESTART_PAUSE_SECONDS)
    assert member.process is not first


def test_a_process_that_refuses_its_settings_is_not_restarted(
    members: list[ManagedProcess],
) -> None:
    member = start_process(members, "sh -c 'exit 2'")
    wait_for_end(member)

    with pytest.raises(ContinuoError, match="one refuses its settings"):
        member.supervise(time.monotonic())

    assert member.restart_at is None


def test_a_process_that_fails_three_times_in_a_row_stops_everything_with_its_last_lines(
    members: list[ManagedProcess], heard: Heard
) -> None:
    member = start_process(members, "sh -c 'echo the reason; exit 1'")
    for _ in range(2):
        wait_for_end(member)
        member.supervise(member.started_at)
        member.start()
    wait_for_end(member)
    wait_until(lambda: list(member.last_lines).count("the reason") == 3, 5)

    with pytest.raises(ContinuoError, match="one failed 3 times in a row") as ended:
        member.supervise(member.started_at)

    assert "\n    the reason" in str(ended.value)


def test_a_process_that_is_killed_again_and_again_is_restarted(
    members: list[ManagedProcess],
) -> None:
    member = start_process(members, "sh -c 'kill -9 $$'")
    for _ in range(5):
        wait_for_end(member)
        member.supervise(member.started_at)
        member.start()

    assert member.failures == 0


def test_all_are_stopped_at_once_when_there_is_no_time(members: list[ManagedProcess]) -> None:
    for name in ("one", "two", "three"):
        start_process(members, DEAF, name)
    started = time.monotonic()

    ProcessSupervisor(members, grace=60).stop_at_once(0.5)

    assert time.monotonic() - started < 3


def test_a_process_that_keeps_ending_is_restarted_after_longer_pauses_up_to_a_bound(
    members: list[ManagedProcess],
) -> None:
    member = start_process(members, "true")
    pauses = []

    for _ in range(7):
        wait_for_end(member)
        member.supervise(member.started_at)
        pauses.append(member.pause)
        member.start()

    assert pauses == [
        1,
        2,
        4,
        8,
        MAX_RESTART_PAUSE_SECONDS,
        MAX_RESTART_PAUSE_SECONDS,
        MAX_RESTART_PAUSE_SECONDS,
    ]


def test_a_process_that_ran_for_long_is_restarted_soon(members: list[ManagedProcess]) -> None:
    member = start_process(members, "true")
    member.pause = MAX_RESTART_PAUSE_SECONDS
    wait_for_end(member)

    member.supervise(member.started_at + STABLE_AFTER_SECONDS + 1)

    assert member.pause == RESTART_PAUSE_SECONDS


def test_a_running_process_is_left_alone(members: list[ManagedProcess]) -> None:
    member = start_process(members, WAITS)
    process = member.process

    member.supervise(time.monotonic() + 1000)

    assert (member.process, member.restart_at) == (process, None)


def test_stopping_sends_sigterm_first(members: list[ManagedProcess]) -> None:
    member = start_process(members, WAITS)

    member.stop(grace=5)

    assert member.process
    assert member.process.returncode == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(
    members: list[ManagedProcess], heard: Heard
) -> None:
    member = start_process(members, DEAF)
    heard.waits_for("one     | deaf")
    assert member.process
    member.stop(grace=0.1)
    assert member.process.returncode == -signal.SIGKILL
    assert "up      | one did not end within 0 s: killed" in heard.lines()

    with pytest.raises(ProcessLookupError):
        wait_until(lambda: os.killpg(member.process.pid, 0), 5)  # type: ignore[union-attr]


def test_processes_are_stopped_one_after_the_other(
    members: list[ManagedProcess], heard: Heard
) -> None:
    polite = "sh -c 'trap \"echo bye; exit\" TERM; echo hello; while :; do sleep 0.01; done'"
    members += [ManagedProcess(name, polite, os.environ) for name in ("front", "back")]
    crew = ProcessSupervisor(members, grace=5)
    crew.start()
    for name in ("front", "back"):
        heard.waits_for(f"{name:8}| hello")
    members[0].stop(5)
    heard.waits_for("front   | bye")
    assert "back    | bye" not in heard.lines()
    crew.stop()
    heard.waits_for("back    | bye")


def test_stopping_twice_or_before_the_start_does_nothing(
    members: list[ManagedProcess],
) -> None:
    member = start_process(members, WAITS)
    crew = ProcessSupervisor([member, ManagedProcess("idle", WAITS, os.environ)], grace=5)
    crew.stop()
    crew.stop()


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exited with 0"), (3, "exited with 3"), (-9, "was killed by SIGKILL")],
)
def test_an_exit_code_is_described_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_a_renewed_process_ends_and_starts_again_at_once(
    members: list[ManagedProcess], heard: Heard
) -> None:
    member = start_process(
        members, "sh -c 'trap \"exit 0\" TERM; echo up; while :; do sleep 0.01; done'"
    )
    heard.waits_for(f"{'one':<8}| up")
    assert member.process is not None
    first = member.process.pid

    def is_new() -> bool:
        member.supervise(time.monotonic())
        return member.process is not None and member.process.pid != first

    member.renew()
    wait_until(is_new, 5)

    assert not any("exited" in line for line in heard.lines())


def test_a_process_that_waits_for_code_starts_again_only_when_it_changes(
    members: list[ManagedProcess], heard: Heard
) -> None:
    member = ManagedProcess("one", "false", os.environ, waits_for_code=True)
    members.append(member)
    member.start()
    line = f"{'up':<8}| one starts again when its code changes"

    def is_parked() -> bool:
        member.supervise(member.restart_at or time.monotonic())
        return line in heard.lines()

    wait_until(is_parked, 10)
    waits_until = member.restart_at
    member.renew()

    assert waits_until == math.inf
    assert member.restart_at == 0.0
