"""How a command ends: the exit status, and what stderr says."""

from enum import IntEnum
from typing import Any

from continuo_client.command.output import replace_unprintable
from continuo_client.errors import Refused
from continuo_client.records import Record


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
    "success": ExitStatus.SUCCESS,
    "failed": ExitStatus.FAILED,
    "cancelled": ExitStatus.CANCELLED,
}
"""The exit status of a command that waited for a job, by the status of the job."""


class WrongUsage(Exception):
    """What the user wrote is not allowed."""


def describe_refusal(refused: Refused) -> list[str]:
    """The lines about an error of the API: what was refused, then each wrong field."""
    fields = [f"  {each.field}: {each.detail}" for each in refused.errors]
    lines = [f"the API refused this: {refused.status} {refused.title}"]
    return [replace_unprintable(line) for line in [*lines, *(fields or [f"  {refused.detail}"])]]


def exit_status_of(record: Record[Any]) -> ExitStatus:
    """The exit status for a record that a command waited for."""
    return JOB_EXITS.get(record["status"], ExitStatus.UNFINISHED)
