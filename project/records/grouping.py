"""What jobs are grouped by: kind and queue, tags, and tenant. Pure.

Redis has an index of jobs for each kind, queue and status, and within it one for each tag and
tenant. The names of the keys are in ``store/lua/lib/keys.lua``.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from project.errors import InvalidField
from project.text import is_line

DEFAULT_QUEUE = "celery"
"""Celery's default queue."""

CONTROL_QUEUE = "control"
"""The queue of jobs that act on other jobs. Every worker consumes it, so no other job blocks it."""

PRIORITY_SEPARATOR = "\x06\x16"
"""kombu's: list names are queue, separator, priority; just the queue for priority 0."""

LANE_SEPARATOR = "\x06"
"""In the name of the list of a lane, between its priority, which it always has, and the lane."""

MAX_LANE_CHARACTERS = 128

MAX_TAGS = 8
MAX_TAG_CHARACTERS = 64

_RESERVED = re.compile("[%@:]")


class KindQueue(NamedTuple):
    """A kind and a queue: the jobs that Redis counts together."""

    kind: str
    queue: str = DEFAULT_QUEUE

    def to_text(self) -> str:
        """``kind@queue``, the name in Redis; ``%``, ``@`` and ``:`` are percent-encoded."""
        return f"{encode_reserved(self.kind)}@{encode_reserved(self.queue)}"


def parse_kind_queue(text: str) -> KindQueue:
    """The kind and queue that ``KindQueue.to_text`` wrote."""
    kind, _, queue = text.partition("@")
    return KindQueue(unquote(kind), unquote(queue))


def encode_reserved(name: str) -> str:
    """A name with the characters that separate the parts of a key percent-encoded."""
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", name)


def queue_of(name: str) -> str:
    """The queue that a Redis list is a part of; Celery's default for ""."""
    return name.partition(PRIORITY_SEPARATOR)[0] or DEFAULT_QUEUE


def check_lane(lane: object) -> str:
    """The name of a lane. Raises ``InvalidField``."""
    if isinstance(lane, str) and len(lane) <= MAX_LANE_CHARACTERS and (not lane or is_line(lane)):
        return lane
    problem = f"must be a text of at most {MAX_LANE_CHARACTERS} characters that can be printed"
    raise InvalidField("lane", problem)


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, each once. Raises ``InvalidField``."""
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise InvalidField("tags", f"must be a list of texts, not {tags!r}")
    if len(tags) > MAX_TAGS:
        raise InvalidField("tags", f"{len(tags)} given, at most {MAX_TAGS} allowed")
    return tuple(dict.fromkeys(check_tag(tag, place) for place, tag in enumerate(tags)))


def check_tag(tag: str, place: int) -> str:
    """The tag at a place in the list. Raises ``InvalidField``."""
    is_good = isinstance(tag, str) and 0 < len(tag) <= MAX_TAG_CHARACTERS and is_line(tag)
    if not is_good:
        problem = f"must be 1 to {MAX_TAG_CHARACTERS} characters that can be printed"
        raise InvalidField(f"tags[{place}]", problem)
    return tag
