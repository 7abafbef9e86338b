"""The ledger of a blast: what became of each recipient, across attempts and crashes.

::

    (nothing) ──claim──> claimed ──about_to_send──> dot ──settle──> sent
        retry ──claim──^    │                        ├────────────> rejected
                            ├──settle──> bounced     ├────────────> unknown
                            └──settle──> retry <─────┘

A claim of another attempt may be taken over: that attempt is dead, or it is
told by ``about_to_send`` that the recipient is no longer its own. A ``dot`` is
never taken over: the mail may be out, and nobody is mailed twice.
"""

import uuid
from collections import Counter
from enum import StrEnum
from typing import Any, Protocol

import redis

from project.errors import TransientError
from project.settings import DAY, settings


class Outcome(StrEnum):
    """What became of one recipient. All but ``RETRY`` are final."""

    SENT = "sent"
    RETRY = "retry"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Ledger(Protocol):
    """What one attempt may do for a recipient, decided for all attempts of the blast."""

    def claim(self, recipient: str) -> bool:
        """Whether this attempt shall mail the recipient."""

    def about_to_send(self, recipient: str) -> bool:
        """Note that the mail goes out now. False: another attempt took over, do not send."""

    def settle(self, recipient: str, outcome: Outcome) -> None:
        """Note the outcome for a recipient this attempt has claimed."""

    def tally(self) -> Counter[Outcome]:
        """How many recipients there are per outcome; one that is only claimed is a ``RETRY``."""


CLAIM = """
local state = redis.call('HGET', KEYS[1], ARGV[1])
if state and state ~= 'retry' and string.sub(state, 1, 8) ~= 'claimed:' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 'claimed:' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

MOVE = """
local state = redis.call('HGET', KEYS[1], ARGV[1])
if state ~= 'claimed:' .. ARGV[2] and state ~= 'dot:' .. ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class RedisLedger:
    """A ``Ledger`` for one attempt, kept in the hash ``continuo:mail:{job_id}``.

    Make a new one for every attempt, also for a redelivered one. Every call
    may be repeated when its answer was lost. The hash lives ``keep_seconds``
    after the last claim, by default two days longer than any record is kept:
    a job that can be retried must find its ledger, or it mails everybody again.
    Methods raise ``TransientError`` when Redis does not do what it is asked.
    """

    def __init__(self, client: redis.Redis, job_id: str, keep_seconds: int = 0) -> None:
        self._client = client
        self._key = f"continuo:mail:{job_id}"
        self._keep_seconds = keep_seconds or _longer_than_records()
        self._attempt = uuid.uuid4().hex
        self._claim = client.register_script(CLAIM)
        self._move = client.register_script(MOVE)

    def claim(self, recipient: str) -> bool:
        """Take a recipient that is new, put off, or claimed by another attempt."""
        return self._ask(self._claim, recipient, self._attempt, self._keep_seconds)

    def about_to_send(self, recipient: str) -> bool:
        """Claimed by this attempt -> dot."""
        return self._ask(self._move, recipient, self._attempt, f"dot:{self._attempt}")

    def settle(self, recipient: str, outcome: Outcome) -> None:
        """Claimed or dot by this attempt -> outcome; anything else stays as it is."""
        self._ask(self._move, recipient, self._attempt, outcome.value)

    def tally(self) -> Counter[Outcome]:
        """The outcomes of all attempts so far; a dot counts as ``UNKNOWN``."""
        try:
            states = self._client.hvals(self._key)
        except redis.RedisError as error:
            raise _unavailable(error) from error
        return Counter(_outcome(state) for state in states)

    def _ask(self, script: Any, *arguments: str | int) -> bool:
        try:
            return bool(script(keys=[self._key], args=arguments))
        except redis.RedisError as error:
            raise _unavailable(error) from error


def _longer_than_records() -> int:
    given = settings()
    kept = (given.retention_success, given.retention_failed, given.retention_cancelled)
    return max(kept) + 2 * DAY


def _outcome(state: str | bytes) -> Outcome:
    text = state.decode() if isinstance(state, bytes) else state
    if text.startswith("claimed:"):
        return Outcome.RETRY
    if text.startswith("dot:"):
        return Outcome.UNKNOWN
    return Outcome(text)


def _unavailable(error: redis.RedisError) -> TransientError:
    return TransientError(f"the mail ledger cannot be used: {error}")
