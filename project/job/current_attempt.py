"""At which attempt this process is, when that is known before Celery's tracer asks."""

from project.store.commands.attempts import Verdict
from project.store.commands.command import Command


class CurrentAttempt:
    """The attempt at which this process is, of those whose end it may tell late."""

    def __init__(self) -> None:
        self.job_id = ""
        self.has_begun = False
        self.success: Command[Verdict] | None = None

    def set(self, job_id: str, *, has_begun: bool) -> None:
        """Be at this job."""
        self.job_id, self.has_begun, self.success = job_id, has_begun, None

    def begins(self, job_id: str) -> bool:
        """Whether this job's attempt has begun already; true once."""
        begun = self.has_begun and self.job_id == job_id
        self.has_begun = False
        return begun

    def keeps(self, job_id: str, success: Command[Verdict]) -> bool:
        """Keep a success until it is told together with the start of the next job."""
        if self.job_id != job_id:
            return False
        self.success = success
        return True


CURRENT_ATTEMPT = CurrentAttempt()
