"""How a pool process ends a job and claims the next one, in one command."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from project.store.commands.attempts import Verdict, parse_verdict
from project.store.commands.command import Command

type ClaimState = Literal["started", "unknown", "busy", "held", "ended", "unreadable", "again", ""]


class Claimant(NamedTuple):
    """A pool process: the id of its worker, and a name that no other process ever has."""

    worker: str
    process: str

    def serial(self, place: int) -> str:
        """The serial of the message that the claim with this number may bring."""
        return f"{self.process}.{place}"


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process claims. ``lists`` in the order in which they are looked at.

    ``stamps``: whether the process has to look at the stamps of each message.
    """

    lists: list[str]
    stamps: bool = False


class Claim(NamedTuple):
    """The answer: the verdict of the success that was stored, and the message claimed.

    ``state``: ``started``: the attempt has begun. ``unknown``: there is no record yet. ``busy``:
    a live worker runs the job. ``held``: the process has to look at its header: an ETA, an
    expiry, stamps, or a kind that its worker does not know. ``ended``: a script ended the job, and
    what follows in its canvas is left to do. ``again``: only outdated messages
    were found so far. "": there is nothing to do. ``is_redelivered``: an attempt of the job was
    interrupted before. ``wait``: seconds until a limit may let a job pass, None when none waits.
    """

    verdict: Verdict | None
    state: ClaimState
    message: bytes
    is_redelivered: bool = False
    wait: float | None = None


class TakeRequest(msgspec.Struct, omit_defaults=True):
    """What the script ``attempts/take`` is asked; without ``claims`` it claims nothing."""

    worker: str
    process: str
    claims: Claims | None = None
    serial: str = ""
    place: int = 0
    done: str = ""
    is_last: bool = False
    job: str = ""
    token: str = ""


def take(
    claimant: Claimant,
    claims: Claims | None,
    *,
    place: int = 0,
    done: str = "",
    success: Command[Verdict] | None = None,
    is_last: bool = False,
) -> Command[Claim]:
    """Store a success, acknowledge the message ``done``, and claim the next one.

    ``place`` counts the claims of the process from 1: it is part of the serial of the message.
    Run twice after a lost answer, the command happens once; run late, it claims nothing.
    ``is_last``: the process claims no more.
    """
    serial = claimant.serial(place)
    request = TakeRequest(*claimant, claims=claims, serial=serial, place=place, done=done)
    request.is_last = is_last
    texts: Sequence[Any] = ("", "", "")
    if success:
        request.job, request.token, *texts = map(str, success.arguments[:5])
    return Command("attempts/take", (msgspec.json.encode(request), *texts), _parse_claim)


def _parse_claim(answer: Sequence[bytes]) -> Claim:
    verdict, state, message, interruptions, wait, *_ = [*answer, b"", b"", b"", b""]
    known_state: Any = state.decode()
    stored = parse_verdict(verdict) if verdict else None
    seconds = float(wait) if wait else None
    return Claim(stored, known_state, message, bool(interruptions), seconds)
