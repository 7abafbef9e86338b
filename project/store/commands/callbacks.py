"""Who is told how a job ended."""

from typing import Any, NamedTuple

from project.records.record import TaskRecord, TaskStatus
from project.store.commands.command import Command, decode_text
from project.store.commands.queries import RECORD_FIELDS, parse_record


class JobEnding(NamedTuple):
    """What a delivery tells: what became of which job, and when (seconds since the epoch).

    ``record`` is that job's as it is now, None when it is no longer kept; ``is_wanted`` whether
    the URL still takes callbacks.
    """

    status: TaskStatus
    at: float
    job_id: str
    record: TaskRecord | None
    is_wanted: bool = True


def read_delivery(job_id: str, url: str) -> Command[JobEnding | None]:
    """What the delivery with this id and URL tells; None when it is none."""

    def parse(answer: list[Any]) -> JobEnding | None:
        if not answer:
            return None
        status, at, about, disabled, fields = answer
        record = parse_record(about.decode(), fields)
        return JobEnding(
            TaskStatus(decode_text(status)), float(at), about.decode(), record, not disabled
        )

    return Command("callbacks/delivery", (job_id, url, *RECORD_FIELDS), parse)


def read_last_delivery_id(job_id: str) -> Command[str]:
    """The id of the delivery that tells how a job ended; "" when there is none."""
    return Command("queries/read", (job_id, "delivery"), lambda values: decode_text(values[0]))


def disable_url(url: str) -> Command[bool]:
    """Send no more callbacks to a URL."""
    return Command("callbacks/disable", (url,), bool)


def enable_url(url: str) -> Command[bool]:
    """Send callbacks to a URL again. False: they were sent anyway."""
    return Command("callbacks/enable", (url,), bool)


def list_disabled_urls(most: int) -> Command[list[tuple[str, float]]]:
    """URLs that want no more callbacks, and since when; newest first."""

    def parse(answer: list[bytes]) -> list[tuple[str, float]]:
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [(url.decode(), float(since)) for url, since in pairs]

    return Command("callbacks/disabled", (most,), parse)
