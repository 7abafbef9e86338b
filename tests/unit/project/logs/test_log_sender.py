"""The buffer of the lines of jobs is bounded, and says what it left out."""

import msgspec

from project.errors import StoreUnavailable
from project.logs.sender import MAX_BYTES, MAX_JOB_BYTES, LogSender
from project.records.log_line import JobLogLine
from project.store.commands.command import Command


class Outlet:
    """Takes commands, or refuses them."""

    def __init__(self) -> None:
        self.commands: list[Command[int]] = []
        self.is_away = False

    def run(self, command: Command[int]) -> int:
        if self.is_away:
            raise StoreUnavailable("away")
        self.commands.append(command)
        return 1


def line(message: str) -> JobLogLine:
    return JobLogLine(1.0, 1, "info", "shop", message)


def test_lines_of_several_jobs_are_one_command() -> None:
    outlet = Outlet()
    sender = LogSender(outlet.run, every_seconds=60)

    for job_id in ("a", "b", "a"):
        sender.add(job_id, line("x"))
    sender.flush()

    (command,) = outlet.commands
    assert [part for part in command.arguments[1:] if isinstance(part, str)] == ["a", "b"]


def test_a_job_that_logs_too_fast_keeps_its_last_lines_and_says_how_many_it_lost() -> None:
    outlet = Outlet()
    sender = LogSender(outlet.run, every_seconds=60)

    for number in range(10_000):
        sender.add("a", line(f"{number} {'x' * 900}"))
    sender.flush()

    text = outlet.commands[0].arguments[2]
    assert isinstance(text, bytes)
    first, *rest = [msgspec.json.decode(one) for one in text.splitlines()]
    assert first["message"].startswith(f"{10_000 - len(rest)} lines left out")
    assert rest[-1]["message"].startswith("9999 ")
    assert len(text) <= MAX_JOB_BYTES + 1_000


def test_many_jobs_together_are_bounded_too() -> None:
    outlet = Outlet()
    sender = LogSender(outlet.run, every_seconds=60)

    for number in range(20_000):
        sender.add(str(number % 2_000), line("x" * 1_000))
    sender.flush()

    sent = sum(len(part) for part in outlet.commands[0].arguments if isinstance(part, bytes))
    assert sent <= MAX_BYTES * 1.5


def test_lines_that_redis_does_not_take_do_not_stop_later_ones() -> None:
    outlet = Outlet()
    sender = LogSender(outlet.run, every_seconds=60)
    outlet.is_away = True
    sender.add("a", line("lost"))
    sender.flush()
    outlet.is_away = False

    sender.add("a", line("kept"))
    sender.flush()

    assert b"kept" in outlet.commands[0].arguments[2]  # type: ignore[operator]
