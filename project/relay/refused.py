"""Rows that relays have put aside: listed, ordered again, deleted.

The API does this over connections of its own, which it opens when somebody asks.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from project.errors import ContinuoError
from project.relay.outbox import CONNECT_SECONDS
from project.settings.relay import name_outbox

if TYPE_CHECKING:
    import psycopg

MAX_SHOWN_BYTES = 10_000
STATEMENT_SECONDS = 10

LIST = """
select id::text, kind,
    case when octet_length(payload::text) <= %(bytes)s then payload::text end,
    case when octet_length(options::text) <= %(bytes)s then options::text end,
    extract(epoch from ordered_at)::float8, extract(epoch from refused_at)::float8, reason
from continuo_outbox_refused order by seq desc limit %(most)s
"""
RETRY = "select continuo_retry_refused(%s)"
DELETE = """
with gone as (delete from continuo_outbox_refused where id = %s returning 1)
select count(*) from gone
"""


class RefusedOrder(msgspec.Struct, frozen=True):
    """An order that cannot become a job, and is put aside.

    ``payload`` and ``options`` are null when they have more than 10,000 bytes. Times are in seconds
    since 1970.
    """

    id: str
    outbox: str
    kind: str
    payload: dict[str, Any] | None
    options: dict[str, Any] | None
    ordered_at: float
    refused_at: float
    reason: str


class RefusedOrders(NamedTuple):
    """Orders that were put aside, and by outbox why it could not be read."""

    orders: list[RefusedOrder]
    problems: dict[str, str]


class OutboxUnavailable(ContinuoError):
    """No outbox has the row, and one of them does not answer."""


def list_refused(urls: Iterable[str], most: int) -> RefusedOrders:
    """The rows put aside, those of each outbox newest first, at most ``most``."""
    import psycopg

    found = RefusedOrders([], {})
    for url in urls:
        name = name_outbox(url)
        limits = {"bytes": MAX_SHOWN_BYTES, "most": most - len(found.orders)}
        try:
            with connect(url) as connection:
                rows = connection.execute(LIST, limits).fetchall()
        except psycopg.Error as problem:
            found.problems[name] = describe(problem)
            continue
        found.orders.extend(build_order(name, *row) for row in rows)
    return found


def retry_refused(urls: Iterable[str], job_id: str) -> bool:
    """Order a row again under its id. False: no outbox has put it aside.

    Raises ``OutboxUnavailable``.
    """
    return change(urls, RETRY, job_id)


def delete_refused(urls: Iterable[str], job_id: str) -> bool:
    """Delete a row. False: no outbox has put it aside. Raises ``OutboxUnavailable``."""
    return change(urls, DELETE, job_id)


def change(urls: Iterable[str], statement: str, job_id: str) -> bool:
    """Run a statement about a row in one outbox after the other, until one has changed it."""
    import psycopg

    problems = []
    for url in urls:
        try:
            with connect(url) as connection:
                row = connection.execute(statement, [job_id]).fetchone()
        except psycopg.Error as problem:
            problems.append(f"{name_outbox(url)}: {describe(problem)}")
            continue
        if row and row[0]:
            return True
    if problems:
        raise OutboxUnavailable("; ".join(problems))
    return False


@contextmanager
def connect(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection whose transaction is committed at the end."""
    import psycopg

    limit = f"-c statement_timeout={STATEMENT_SECONDS}s"
    with psycopg.connect(
        url,
        connect_timeout=CONNECT_SECONDS,
        options=limit,
        application_name="continuo api",
        target_session_attrs="read-write",
        tcp_user_timeout=15_000,
    ) as connection:
        yield connection


def build_order(
    outbox: str,
    job_id: str,
    kind: str,
    payload: str | None,
    options: str | None,
    ordered_at: float,
    refused_at: float,
    reason: str,
) -> RefusedOrder:
    """A row as it is shown."""
    return RefusedOrder(
        job_id,
        outbox,
        kind,
        decode_object(payload),
        decode_object(options),
        ordered_at,
        refused_at,
        reason,
    )


def decode_object(text: str | None) -> dict[str, Any] | None:
    """A JSON object, None when it is not shown."""
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])


def describe(problem: Exception) -> str:
    """What PostgreSQL says, in one line."""
    return " ".join(str(problem).split())
