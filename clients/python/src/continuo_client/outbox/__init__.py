"""Order jobs in a transaction of PostgreSQL: exactly those that are committed are made.

::

    with psycopg.connect(url) as connection:
        connection.execute("insert into invoices ...")
        job_id = enqueue(connection, "invoice", {"number": 7}, delay=60)

An order is a row, so it shares the fate of its transaction and of its savepoints. Workers with
``OUTBOX_URL`` make jobs of committed rows. ``SCHEMA`` is the SQL of the table and its functions;
``DROP_SCHEMA`` removes them. ``python -m continuo_client.outbox sql`` prints the first.
"""

from importlib.resources import files

from continuo_client.outbox.connections import aenqueue, enqueue
from continuo_client.outbox.options import OutboxOptions
from continuo_client.outbox.schemas import InvalidPayload, PayloadSchemas

SCHEMA = (files(__name__) / "schema.sql").read_text()
DROP_SCHEMA = (files(__name__) / "drop.sql").read_text()

__all__ = [
    "DROP_SCHEMA",
    "SCHEMA",
    "InvalidPayload",
    "OutboxOptions",
    "PayloadSchemas",
    "aenqueue",
    "enqueue",
]
