"""Labels: what a job is filed under. Pure.

A label is one text: the kind of the job; on a second line its queue, left empty when that is
Celery's own; on further lines its index_keys, of which ``tag:x`` is one sort. Most jobs have the
first line only, so queues and tags cost nothing where there are none. Redis keeps the label
where the kind would be, and files the job by it: in one list per kind, queue and status, and
in another for each facet.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from project.errors import InvalidField

DEFAULT_QUEUE = "celery"
"""Celery's own, and the one that a label does not name."""

CONTROL_QUEUE = "control"
"""Where jobs go that act on other jobs: a worker takes them also when those are in its way."""

PRIORITY_SEPARATOR = "\x06\x16"
"""kombu's own: priority 0 is the queue's name itself, the others follow it."""

TENANT_PREFIX = "tenant:"
TAG_PREFIX = "tag:"
MAX_TAGS = 8
MAX_TAG_CHARACTERS = 64


class Label(NamedTuple):
    """What a job is filed under. ``index_keys`` are texts such as ``tag:x``."""

    kind: str
    queue: str = DEFAULT_QUEUE
    index_keys: tuple[str, ...] = ()

    @property
    def tags(self) -> list[str]:
        """The tags of the job."""
        return [
            facet.removeprefix(TAG_PREFIX)
            for facet in self.index_keys
            if facet.startswith(TAG_PREFIX)
        ]

    @property
    def tenant(self) -> str:
        """Whose job it is, "" when it is nobody's."""
        own = (facet for facet in self.index_keys if facet.startswith(TENANT_PREFIX))
        return next(own, "").removeprefix(TENANT_PREFIX)

    @property
    def kind_queue(self) -> str:
        """The part of it that every label has: kind and queue."""
        return self._replace(index_keys=()).to_text()

    def to_text(self) -> str:
        """The label as Redis keeps it."""
        queue = "" if self.queue == DEFAULT_QUEUE else replace_newlines(self.queue)
        lines = [replace_newlines(self.kind), queue, *self.index_keys]
        return "\n".join(lines).rstrip("\n")


def parse_label(text: str) -> Label:
    """The label that was written."""
    kind, *rest = text.split("\n")
    return Label(kind, (rest and rest[0]) or DEFAULT_QUEUE, tuple(rest[1:]))


def queue_of(name: str) -> str:
    """The queue that a Redis list is a part of; Celery's own for none."""
    return name.partition(PRIORITY_SEPARATOR)[0] or DEFAULT_QUEUE


def tag_keys(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as index_keys, each once. Raises ``InvalidField``."""
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise InvalidField("tags", f"must be a list of texts, not {tags!r}")
    if len(tags) > MAX_TAGS:
        raise InvalidField("tags", f"{len(tags)} given, at most {MAX_TAGS} allowed")
    return tuple(dict.fromkeys(tag_key(tag, place) for place, tag in enumerate(tags)))


def tag_key(tag: str, place: int) -> str:
    """One tag as a facet. Raises ``InvalidField``."""
    is_good = isinstance(tag, str) and 0 < len(tag) <= MAX_TAG_CHARACTERS and tag.isprintable()
    if not is_good:
        problem = f"must be 1 to {MAX_TAG_CHARACTERS} characters that can be printed"
        raise InvalidField(f"tags[{place}]", problem)
    return TAG_PREFIX + tag


def tenant_keys(tenant: str) -> tuple[str, ...]:
    """The index_keys of all jobs of a tenant; none of "", who is everybody."""
    return (TENANT_PREFIX + tenant,) if tenant else ()


def replace_newlines(text: str) -> str:
    """A name as a line of a label; strangers choose the kinds of their messages."""
    return text.replace("\n", " ") if "\n" in text else text
