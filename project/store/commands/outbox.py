"""Commands for messages on their way to another broker than Redis."""

from project.store.commands.command import Command


def claim_unsent(*, waited: float, most: int) -> Command[list[tuple[str, str]]]:
    """Messages unconfirmed for ``waited`` seconds: of each the id of its job and its text."""

    def parse(answer: list[bytes]) -> list[tuple[str, str]]:
        texts = [item.decode() for item in answer]
        return list(zip(texts[::2], texts[1::2], strict=True))

    return Command("outbox/claim_unsent", (waited, most), parse)


def confirm_sent(job_id: str) -> Command[bool]:
    """Forget the message of a job: the other broker has confirmed it."""
    return Command("outbox/confirm_sent", (job_id,), bool)
