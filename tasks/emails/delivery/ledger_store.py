"""The books of the blasts: Redis, as one attempt uses it."""

import redis

from project.errors import TransientError
from project.settings.values import DAY_SECONDS, get_settings
from project.store.commands.command import Command
from project.store.connection import CommandRunner


class LedgerStore:
    """Runs moves once, without patience: a mail server does not wait for Redis to come back.

    Every move may be repeated when its answer was lost. Raises ``TransientError`` when Redis
    does not do what it is asked.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._scripts = CommandRunner(client)

    def run[T](self, move: Command[T]) -> T:
        """What the move gives."""
        try:
            return self._scripts.run(move)
        except redis.RedisError as error:
            raise TransientError(f"the mail ledger cannot be used: {error}") from error


def compute_retention_seconds() -> int:
    """Two days longer than any record: a job that can run again must find its ledger."""
    given = get_settings()
    kept = (given.retention_success, given.retention_failed, given.retention_cancelled)
    return max(kept) + 2 * DAY_SECONDS
