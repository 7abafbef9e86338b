"""Messages on their way to another broker than Redis."""

from project.store.commands.command import Command


def claim_unsent(*, waited: float, most: int) -> Command[list[tuple[str, str]]]:
    """Messages that another broker should have had for ``waited`` seconds: job id and text."""

    def parse(answer: list[bytes]) -> list[tuple[str, str]]:
        texts = [item.decode() for item in answer]
        return list(zip(texts[::2], texts[1::2], strict=True))

    return Command("outbox/unsent", (waited, most), parse)


def confirm_sent(job_id: str) -> Command[bool]:
    """Another broker has confirmed the message of a job."""
    return Command("outbox/sent", (job_id,), bool)
