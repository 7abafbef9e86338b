"""Commands of jobs that wait: begin or continue a wait, and send the signal that ends one."""

from enum import StrEnum
from hashlib import sha1
from typing import Any, NamedTuple

import msgspec

from project.store.commands.command import Command, decode_text, encode_json
from project.store.commands.message import Message

TIMED_OUT = "@timeout"
"""Stands for the signal of a wait whose time was over first."""


class WaitQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job waits for; the fields are those of ``Wait``."""

    name: str
    kind: str
    question: str = ""
    choices: dict[str, Any] = {}
    type: str = ""


class WaitStage(StrEnum):
    """Where a wait is."""

    SIGNAL = "signal"
    """A signal has ended it."""
    TIMEOUT = "timeout"
    SLEEP = "sleep"
    """Its time has come."""
    LOOK = "look"
    """There is a signal; the attempt says next whether it will do."""
    WAITS = "waits"
    """The attempt has ended, and the job waits."""
    REFUSED = "refused"
    """Another attempt has the job, or somebody has cancelled it."""


class WaitAnswer(NamedTuple):
    """Where a wait is, and the JSON of its signal."""

    stage: WaitStage
    signal: str = ""


class SignalResult(StrEnum):
    """What became of a signal."""

    SENT = "sent"
    """The job goes on."""
    KEPT = "kept"
    """It is there when the job comes to its wait."""
    REPEATED = "repeated"
    """The same signal had come before."""
    OTHER = "other"
    """Another signal of this name had come before."""
    LATE = "late"
    """The time of the wait is over."""
    FINAL = "final"
    """The job has ended."""
    MANY = "many"
    """Too many signals of the job are kept."""
    UNKNOWN = "unknown"


def wait(
    job_id: str,
    *,
    token: str,
    about: WaitQuestion,
    seconds: float,
    message: Message,
    looked_at: str = "",
    will_do: bool = False,
) -> Command[WaitAnswer]:
    """Begin or continue a wait of ``seconds``; ``message`` is what runs when it is over.

    ``looked_at``: the signal of an answer ``LOOK``, which ends the wait if it ``will_do``.
    """
    digest = sha1(looked_at.encode(), usedforsecurity=False).hexdigest() if looked_at else ""
    arguments = (
        *(job_id, token, encode_json(about), f"{seconds:.6f}"),
        *(digest, int(will_do), message.queue, message.text),
    )
    return Command("attempts/wait", arguments, parse_wait_answer)


def send_signal(job_id: str, name: str, signal: str) -> Command[SignalResult]:
    """Send a signal, as JSON, to a job."""
    arguments = (job_id, name, signal)
    return Command("signals/send", arguments, lambda answer: SignalResult(answer.decode()))


def read_signal(job_id: str, name: str) -> Command[str]:
    """The JSON of the signal of a name; "" when there is none."""
    return Command(
        "queries/read_fields", (job_id, f"signal:{name}"), lambda values: decode_text(values[0])
    )


def parse_wait_answer(answer: list[bytes]) -> WaitAnswer:
    """The answer of ``wait``."""
    stage, *signal = (part.decode() for part in answer)
    return WaitAnswer(WaitStage(stage), *signal)
