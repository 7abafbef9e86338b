"""How a command ends: the exit status, and the errors that stop it."""

from enum import IntEnum
from typing import Any

from project.records.record import TaskStatus
from project.text import replace_unprintable


class ExitStatus(IntEnum):
    """The exit status of the command."""

    SUCCESS = 0
    FAILED = 1
    WRONG_USAGE = 2
    CANCELLED = 3
    UNREACHABLE = 4
    REFUSED = 5
    UNFINISHED = 6


JOB_EXITS = {
    TaskStatus.SUCCESS: ExitStatus.SUCCESS,
    TaskStatus.FAILED: ExitStatus.FAILED,
    TaskStatus.CANCELLED: ExitStatus.CANCELLED,
}
"""The exit status of a command that waited for a job, by the status of the job."""


class CommandStopped(Exception):
    """The command cannot go on; the text says why."""

    status: ExitStatus


class WrongUsage(CommandStopped):
    """What the user wrote is not allowed."""

    status = ExitStatus.WRONG_USAGE


class ApiUnreachable(CommandStopped):
    """No API answers at the URL."""

    status = ExitStatus.UNREACHABLE


class ApiRefused(CommandStopped):
    """The API answered with an error; ``problem`` is its document."""

    status = ExitStatus.REFUSED

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__("\n".join(describe_problem(problem)))


def describe_problem(problem: dict[str, Any]) -> list[str]:
    """The lines of a problem document: what was refused, then each wrong field."""
    fields = [
        f"  {each.get('pointer') or each.get('field')}: {each.get('detail')}"
        for each in problem.get("errors", [])
    ]
    lines = [f"the API refused this: {problem['status']} {problem['title']}"]
    lines += fields or [f"  {problem['detail']}"]
    return [replace_unprintable(line) for line in lines]


def exit_status_of(record: dict[str, Any]) -> ExitStatus:
    """The exit status for a record that a command waited for."""
    return JOB_EXITS.get(record["status"], ExitStatus.UNFINISHED)
