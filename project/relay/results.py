"""How jobs ended, written back into the database whose outbox ordered them."""

from typing import TYPE_CHECKING, Any

import msgspec

from project.errors import ContinuoError
from project.extras import require_extra
from project.records.record import TaskStatus
from project.relay.outbox import CONNECT_SECONDS
from project.relay.refused import describe
from project.settings.relay import get_relay_settings, name_outbox
from project.store.commands.callbacks import JobEnding

if TYPE_CHECKING:
    import psycopg

STATEMENT_SECONDS = 20

STORE = """
insert into continuo_results as stored (id, kind, status, result, error, attempts, ended_at)
values (
    %(id)s, %(kind)s, %(status)s, %(result)s, %(error)s, %(attempts)s, to_timestamp(%(ended_at)s)
)
on conflict (id) do update
set (kind, status, result, error, attempts, ended_at) = (
    excluded.kind, excluded.status, excluded.result, excluded.error, excluded.attempts,
    excluded.ended_at
)
where stored.ended_at <= excluded.ended_at
"""

_connections: dict[str, "psycopg.Connection[Any]"] = {}
"""By URL, one in each process that writes outcomes; a process writes one at a time."""


class OutboxNotWritable(ContinuoError):
    """The process has no such outbox, or the database does not take the row now."""


def store_ending(name: str, ending: JobEnding) -> None:
    """Write how a job ended, in one statement: twice is once, and an older end changes nothing.

    Raises ``OutboxNotWritable``.
    """
    require_extra("outbox")
    import psycopg

    url = find_url(name)
    try:
        connect(url).execute(STORE, build_row(ending))
    except psycopg.Error as problem:
        if connection := _connections.pop(url, None):
            connection.close()
        raise OutboxNotWritable(f"outbox {name}: {describe(problem)}") from problem


def find_url(name: str) -> str:
    """The URL of an outbox. Raises ``OutboxNotWritable``."""
    for url in get_relay_settings().outbox_urls:
        if name_outbox(url) == name:
            return url
    raise OutboxNotWritable(f"OUTBOX_URL of this worker does not have {name}: give all the same")


def connect(url: str) -> "psycopg.Connection[Any]":
    """The connection of this process, which commits each statement."""
    import psycopg

    if url not in _connections:
        _connections[url] = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=f"-c statement_timeout={STATEMENT_SECONDS}s",
            application_name="continuo results",
            target_session_attrs="read-write",
            tcp_user_timeout=15_000,
        )
    return _connections[url]


def build_row(ending: JobEnding) -> dict[str, Any]:
    """The row of an end; of a record that was deleted since, only the status is known."""
    row = {"id": ending.job_id, "status": ending.status.value, "ended_at": ending.at}
    record = ending.record
    if record is None:
        return row | {"kind": "", "result": None, "error": "", "attempts": None}
    result = (
        msgspec.json.encode(record.result).decode() if record.status is TaskStatus.SUCCESS else None
    )
    error = record.error.replace("\0", "")
    return row | {
        "kind": record.kind,
        "result": result,
        "error": error,
        "attempts": record.attempts,
    }
