"""The version of the data in Redis: checked when a process starts, and raised when it is older.

Version 0 is the data of programs that wrote no version. Version 1 has kind, queue, tags, tenant and
callback of a job in fields of their own. Each step of the migration is a script that does a bounded
amount and changes nothing when it runs again, so a killed migration goes on at the next start.
"""

import logging

from project.errors import IncompatibleData
from project.store.client import Store
from project.store.commands import migration

log = logging.getLogger(__name__)

DATA_VERSION = 1
"""The version of the data that this program reads and writes."""

KEYS_PER_STEP = 200
EVENTS_PER_STEP = 500


def prepare_data(store: Store) -> None:
    """Let this program use the data in Redis: write the version, or migrate older data.

    Raises ``IncompatibleData`` when the data is newer, or older while a worker of the older program
    holds a lease; ``StoreUnavailable`` when Redis does not answer.
    """
    found = store.run(migration.check_version(DATA_VERSION))
    if found.version == DATA_VERSION:
        return
    if found.version > DATA_VERSION:
        raise IncompatibleData(
            f"The data in Redis has version {found.version}; this program knows versions up to "
            f"{DATA_VERSION}. Start the newer program, or restore a backup from before the upgrade."
        )
    if found.worker:
        raise IncompatibleData(
            f"The data in Redis has version {found.version} and must be converted to version "
            f"{DATA_VERSION}, but worker {found.worker} of the older program holds a lease. Stop "
            "all processes of the older program, wait until its lease has ended, and start again."
        )
    migrate(store)


def migrate(store: Store) -> None:
    """Convert data of version 0. Several processes may do so at once."""
    log.warning("converting the data in Redis to version %d", DATA_VERSION)
    store.run(migration.rename_keys())
    cursor = store.run(migration.convert_keys("0", KEYS_PER_STEP))
    while cursor != "0":
        cursor = store.run(migration.convert_keys(cursor, KEYS_PER_STEP))
    while store.run(migration.convert_events(EVENTS_PER_STEP)):
        pass
    store.run(migration.finish(DATA_VERSION))
    log.warning("the data in Redis has version %d", DATA_VERSION)
