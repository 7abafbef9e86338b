"""``enqueue`` and ``aenqueue``: order over the connection that the caller has.

No driver is imported: each connection brings its own.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, Unpack
from uuid import UUID

import msgspec

from continuo_client.outbox.options import OutboxOptions, build_row

PayloadCheck: TypeAlias = Callable[[str, Mapping[str, Any]], None]

DB_API = "select continuo_enqueue(%s::text, %s::text::jsonb, %s::text::jsonb) as id"
ASYNCPG = "select continuo_enqueue($1::text, $2::text::jsonb, $3::text::jsonb) as id"
SQLALCHEMY = """select continuo_enqueue(
    cast(:kind as text),
    cast(cast(:payload as text) as jsonb),
    cast(cast(:options as text) as jsonb)
) as id"""


def enqueue(
    connection: Any,
    kind: str,
    payload: Any = None,
    *,
    check: PayloadCheck | None = None,
    **options: Unpack[OutboxOptions],
) -> UUID:
    """Order a job in the transaction of ``connection``; return the id that the job will have.

    ``connection`` is a connection of psycopg or Django, or a connection or session of SQLAlchemy.
    There is a job when the transaction has committed, and none when it is rolled back. Raises
    ``TypeError`` for an unknown option, for a payload that JSON cannot express and for another
    connection, and the errors of the driver. ``check`` gets the kind and the payload as JSON has it
    before there is a row, and raises what it likes: ``PayloadSchemas.check``.
    """
    row = build_row(kind, payload, options)
    if check is not None:
        check(kind, msgspec.json.decode(row.payload))
    if is_asynchronous(connection):
        raise TypeError(f"a {type(connection).__name__} is asynchronous: await aenqueue")
    if is_from(connection, "sqlalchemy"):
        return read_id(connection.execute(build_statement(), row._asdict()).scalar_one())
    if not callable(getattr(connection, "cursor", None)):
        raise TypeError(f"a {type(connection).__name__} is no connection that enqueue knows")
    with connection.cursor() as cursor:
        cursor.execute(DB_API, row)
        return read_id(cursor.fetchone())


async def aenqueue(
    connection: Any,
    kind: str,
    payload: Any = None,
    *,
    check: PayloadCheck | None = None,
    **options: Unpack[OutboxOptions],
) -> UUID:
    """``enqueue`` for code on an event loop.

    ``connection`` is an ``AsyncConnection`` of psycopg, a connection of asyncpg, or an async
    connection or session of SQLAlchemy. ``check`` is called in a thread.
    """
    row = build_row(kind, payload, options)
    if check is not None:
        await asyncio.to_thread(check, kind, msgspec.json.decode(row.payload))
    if not is_asynchronous(connection) and (
        hasattr(connection, "__enter__") or is_from(connection, "sqlalchemy", "django")
    ):
        raise TypeError(f"a {type(connection).__name__} blocks: call enqueue")
    if is_from(connection, "sqlalchemy"):
        result = await connection.execute(build_statement(), row._asdict())
        return read_id(result.scalar_one())
    if is_from(connection, "asyncpg"):
        return read_id(await connection.fetchval(ASYNCPG, *row))
    if not is_from(connection, "psycopg"):
        raise TypeError(f"a {type(connection).__name__} is no connection that aenqueue knows")
    async with connection.cursor() as cursor:
        await cursor.execute(DB_API, row)
        return read_id(await cursor.fetchone())


def is_asynchronous(connection: Any) -> bool:
    """Whether what a connection does is awaited."""
    is_known = is_from(connection, "asyncpg", "sqlalchemy.ext.asyncio")
    return is_known or hasattr(connection, "__aenter__")


def is_from(value: Any, *packages: str) -> bool:
    """Whether the class of a value, or one that it derives from, is of one of the packages."""
    prefixes = tuple(f"{package}." for package in packages)
    return any(f"{each.__module__}.".startswith(prefixes) for each in type(value).__mro__)


def build_statement() -> Any:
    """The statement for SQLAlchemy, which is imported: there is a connection of it."""
    return sys.modules["sqlalchemy"].text(SQLALCHEMY)


def read_id(found: Any) -> UUID:
    """The id in a row, or the id itself, as drivers return it."""
    if isinstance(found, Mapping):
        found = found["id"]
    if isinstance(found, tuple | list):
        (found,) = found
    return found if type(found) is UUID else UUID(str(getattr(found, "id", found)))
