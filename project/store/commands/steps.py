"""Commands of the durable steps of a job."""

from project.records.record import Step
from project.store.commands.attempts import Verdict, parse_verdict
from project.store.commands.command import Command, decode_text
from project.store.commands.queries import STEPS_FIELD, parse_steps


def finish(job_id: str, *, token: str, name: str, seconds: float, result: str) -> Command[Verdict]:
    """Store the ``result`` of a step that took ``seconds``, for this attempt and later ones."""
    arguments = (job_id, token, name, f"{seconds:.6f}", result)
    return Command("attempts/finish_step", arguments, parse_verdict)


def read_finished(job_id: str) -> Command[list[Step]]:
    """The steps that a job has finished, without their results."""
    return Command(
        "queries/read_fields", (job_id, STEPS_FIELD), lambda values: parse_steps(values[0])
    )


def read_result(job_id: str, name: str) -> Command[str]:
    """What ``finish`` stored as the result of a step; "" when there is none."""
    return Command(
        "queries/read_fields", (job_id, f"step:{name}"), lambda values: decode_text(values[0])
    )
