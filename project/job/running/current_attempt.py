"""The attempt that a pool process claimed by itself: its record has begun, its success can wait."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from project.store.commands.attempts import Verdict
    from project.store.commands.command import Command


class ClaimedAttempt(str):
    """The serial of a claimed message, as it travels on the request of its task.

    ``success`` is what the result backend leaves to be stored together with the next claim.
    """

    __slots__ = ("job_id", "success")

    def __init__(self, serial: str) -> None:
        self.job_id = ""
        self.success: Command[Verdict] | None = None

    @property
    def place(self) -> int:
        """The number of the claim among those of its process."""
        return int(self.rpartition(".")[2])


def claimed_attempt(request: Any) -> ClaimedAttempt | None:
    """The attempt of a request; None when Celery's consumer delivered its message."""
    serial = getattr(request, "delivery", None)
    return serial if isinstance(serial, ClaimedAttempt) else None
