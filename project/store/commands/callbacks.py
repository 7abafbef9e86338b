"""Commands of callbacks: what a delivery reports, and which URLs refuse callbacks."""

from typing import Any, NamedTuple

from project.records.record import TaskRecord, TaskStatus
from project.records.workflow import Workflow
from project.store.commands.command import Command, decode_text
from project.store.commands.queries import RECORD_FIELDS, parse_record
from project.store.commands.workflows import parse_workflow


class JobEnding(NamedTuple):
    """The end of a job that a delivery reports; ``at`` in seconds since the epoch.

    ``record`` is the job as it is now, None when it was deleted. ``is_wanted``: the URL takes
    callbacks. ``workflow`` is what ended when it was no job.
    """

    status: TaskStatus
    at: float
    job_id: str
    record: TaskRecord | None
    is_wanted: bool = True
    workflow: Workflow | None = None


def read_delivery(job_id: str, url: str) -> Command[JobEnding | None]:
    """The end that the delivery with this id and URL reports; None when there is none."""

    def parse(answer: list[Any]) -> JobEnding | None:
        if not answer:
            return None
        status, at, reported, disabled, fields, about = answer
        reported_id = reported.decode()
        record = parse_record(reported_id, fields)
        workflow = parse_workflow(reported_id, about) if about else None
        ended = TaskStatus(decode_text(status))
        return JobEnding(ended, float(at), reported_id, record, not disabled, workflow)

    return Command("callbacks/read_delivery", (job_id, url, *RECORD_FIELDS), parse)


def read_last_delivery_id(job_id: str) -> Command[str]:
    """The id of the delivery that reports the last end of a job; "" when there is none."""
    return Command(
        "queries/read_fields", (job_id, "delivery"), lambda values: decode_text(values[0])
    )


def disable_url(url: str) -> Command[bool]:
    """Send no more callbacks to a URL."""
    return Command("callbacks/disable_url", (url,), bool)


def enable_url(url: str) -> Command[bool]:
    """Send callbacks to a URL again. False: they were sent anyway."""
    return Command("callbacks/enable_url", (url,), bool)


def list_disabled_urls(most: int) -> Command[list[tuple[str, float]]]:
    """URLs that refuse callbacks, each with the time since when; newest first."""

    def parse(answer: list[bytes]) -> list[tuple[str, float]]:
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [(url.decode(), float(since)) for url, since in pairs]

    return Command("callbacks/list_disabled_urls", (most,), parse)
