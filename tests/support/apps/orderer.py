"""An application that orders jobs until it is killed: ``python -m tests.support.apps.orderer URL``.

Each transaction notes its orders in the table ``committed``; one in three is rolled back.
"""

import random
import sys
from contextlib import suppress
from typing import Any

import psycopg
from continuo_client.outbox import enqueue

SCHEMA = "create table if not exists committed (id uuid primary key)"
NOTE = "insert into committed select unnest(%s::uuid[])"
PAYLOAD = {"x": 1, "y": 2}
MAX_ORDERS = 5
ROLLED_BACK = 0.33


def order(connection: psycopg.Connection[Any]) -> None:
    """One transaction, with a savepoint that is rolled back."""
    count = random.randint(1, MAX_ORDERS)  # noqa: S311 - no secret
    with suppress(KeyError), connection.transaction():
        ids = [enqueue(connection, "tests.add", PAYLOAD) for _ in range(count)]
        connection.execute(NOTE, [ids])
        with suppress(ValueError), connection.transaction():
            enqueue(connection, "tests.add", PAYLOAD)
            raise ValueError
        if random.random() < ROLLED_BACK:  # noqa: S311 - the same
            raise KeyError
    connection.execute("select pg_sleep(0.003)")


def main(url: str) -> None:
    """Order over one connection after the other, as the server comes and goes."""
    while True:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(url, autocommit=True, connect_timeout=2) as connection,
        ):
            while True:
                order(connection)


if __name__ == "__main__":
    main(sys.argv[1])
