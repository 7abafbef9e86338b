"""How a pool process ends a job and claims the next one, in one command."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from project.store.commands.attempts import Verdict, parse_verdict
from project.store.commands.command import Command

MAX_DROPPED_MESSAGES = 50
"""Outdated messages that one command drops before it answers without a job."""

type ClaimState = Literal["started", "unknown", "busy", "held", "unreadable", "again", ""]


class Claimant(NamedTuple):
    """A pool process: the id of its worker, and a name that no other process ever has."""

    worker: str
    process: str

    def serial(self, place: int) -> str:
        """The serial of the message that the claim with this number may bring."""
        return f"{self.process}.{place}"


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process claims. ``lists`` in the order in which they are looked at.

    ``rates``: kind -> seconds between two of its jobs, in the whole system. ``stamps``: whether
    the process has to look at the stamps of each message.
    """

    lists: list[str]
    rates: Mapping[str, float] = {}
    stamps: bool = False


class Claim(NamedTuple):
    """The answer: the verdict of the success that was stored, and the message claimed.

    ``state``: ``started``: the attempt has begun. ``unknown``: there is no record yet. ``busy``:
    a live worker runs the job. ``held``: the process has to look at its header: an ETA, an
    expiry, stamps, or a kind that its worker does not know. ``again``: only outdated messages
    were found so far. "": there is nothing to do.
    """

    verdict: Verdict | None
    state: ClaimState
    message: bytes


def take(
    claimant: Claimant,
    claims: Claims,
    *,
    place: int,
    done: str = "",
    success: Command[Verdict] | None = None,
) -> Command[Claim]:
    """Store a success, acknowledge the message ``done``, and claim the next one.

    ``place`` counts the claims of the process from 1: it is part of the serial of the message.
    Run twice after a lost answer, the command happens once; run late, it claims nothing.
    """
    request = {"serial": claimant.serial(place), "place": place, "most": MAX_DROPPED_MESSAGES}
    about = msgspec.to_builtins(claims)
    return _build(claimant, {**request, **about}, done=done, success=success)


def finish(
    claimant: Claimant, *, done: str = "", success: Command[Verdict] | None = None
) -> Command[Claim]:
    """Store a success and acknowledge the message ``done``, as the last thing of a process."""
    return _build(claimant, {}, done=done, success=success)


def _build(
    claimant: Claimant, request: dict[str, Any], *, done: str, success: Command[Verdict] | None
) -> Command[Claim]:
    request |= claimant._asdict()
    if done:
        request["done"] = done
    texts: Sequence[Any] = ("", "", "")
    if success:
        request["job"], request["token"], *texts = success.arguments
    return Command("attempts/take", (msgspec.json.encode(request), *texts), _parse_claim)


def _parse_claim(answer: Sequence[bytes]) -> Claim:
    verdict, state, message, *_ = [*answer, b"", b""]
    known_state: Any = state.decode()
    return Claim(parse_verdict(verdict) if verdict else None, known_state, message)
