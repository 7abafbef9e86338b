"""Redis access for mailings: each command runs once, without retries."""

from project.errors import TransientError
from project.settings.values import DAY_SECONDS, get_settings
from project.store.commands.command import Command
from project.store.connection import CommandFailed, CommandRunner, RedisClient


class LedgerStore:
    """Runs commands without retries: an open SMTP connection cannot wait for Redis to come back."""

    def __init__(self, client: RedisClient) -> None:
        self._runner = CommandRunner(client)

    def run[T](self, command: Command[T]) -> T:
        """The answer to the command, which may be repeated when its answer was lost.

        Raises ``TransientError`` when Redis cannot be reached or refuses the command.
        """
        try:
            return self._runner.run(command)
        except CommandFailed as error:
            raise TransientError(f"the mail ledger cannot be used: {error}") from error

    def close(self) -> None:
        """Close the connection of this thread; the next command opens a new one."""
        self._runner.reconnect()


def compute_retention_seconds() -> int:
    """How long a ledger is kept: two days longer than any record.

    A job that can run again must find its ledger, or it mails every recipient again.
    """
    settings = get_settings()
    kept = (settings.retention_success, settings.retention_failed, settings.retention_cancelled)
    return max(kept) + 2 * DAY_SECONDS
