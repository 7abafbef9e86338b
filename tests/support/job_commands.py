"""Commands on the jobs of a test, with what the tests have in common filled in."""

from typing import Any

from project.records.record import TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import queries, statistics
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.message import Message


def message(job_id: str, kind: str = "report", **changes: Any) -> Message:
    return Message(job_id, kind, "celery", f"message of {job_id}", "[[], {}]", 3)._replace(
        **changes
    )


def record(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found is not None
    return found


def start(store: Store, job_id: str, retries: int = 0, token: str = "t") -> StartResult:
    return store.run(attempt_commands.start(job_id, retries=retries, token=token))


def succeed(store: Store, job_id: str, token: str = "t") -> Verdict:
    return store.run(
        attempt_commands.succeed(job_id, token=token, result='{"rows": 1.0}', result_message="{}")
    )


def retry(store: Store, job_id: str, token: str = "t", delay: float = 60) -> Verdict:
    again = message(job_id, text="again")
    return store.run(
        attempt_commands.retry(job_id, token=token, error="boom", delay=delay, message=again)
    )


def fail(store: Store, job_id: str, token: str = "t") -> Verdict:
    move = attempt_commands.fail(
        job_id,
        token=token,
        status=TaskStatus.FAILED,
        error="boom",
        exception="{}",
        result_message="{}",
    )
    return store.run(move)


def list_messages(store: Store) -> list[bytes]:
    return store.client.lrange("celery", 0, -1)


def count_statuses(store: Store) -> dict[str, int]:
    stats = store.run(statistics.read_stats())
    return {status: count for status, count in stats.status_counts.items() if count}
