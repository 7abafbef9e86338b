"""Jobs that are never sent, because a job before them in a canvas has failed; they get records."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from project.messages.options import check_id
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.commands.message import Message

UNKNOWN_KIND = "unknown"
"""The kind in the record of a job of which only the id is known."""

BODIES: ContextVar[Mapping[str, Any]] = ContextVar("bodies", default={})  # noqa: B039 - only read
"""The bodies of the chord that fails: id -> signature. Celery fails them by their ids."""


@contextmanager
def name_bodies(callback: Any) -> Iterator[None]:
    """Let ``build_unsent_message`` find the body of a chord, or the members of a group as body."""
    calls = [callback, *getattr(callback, "tasks", ())]
    before = BODIES.set({call.id: call for call in calls if call.id})
    try:
        yield
    finally:
        BODIES.reset(before)


def list_members(link: Mapping[str, Any]) -> list[Any]:
    """The signatures in a group, a chain or a chord, but for the body that Celery fails itself."""
    kwargs = link.get("kwargs") or {}
    match link.get("subtask_type"):
        case "group" | "chain":
            return list(kwargs.get("tasks") or ())
        case "chord":
            header, body = kwargs.get("header") or [], kwargs.get("body") or {}
            beside = list_members(header) if isinstance(header, Mapping) else list(header)
            return [*beside, *list_members(body)]
    return []


def build_unsent_message(job_id: str, call: Any, encode: Callable[[Any], str]) -> Message:
    """The message from which a record is made; ``call`` is a signature or a request, or None."""
    args, kwargs = getattr(call, "args", None), getattr(call, "kwargs", None)
    options = getattr(call, "options", None) or {}
    return Message(
        id=check_id(job_id),
        kind=getattr(call, "task", None) or UNKNOWN_KIND,
        queue=options.get("queue") or "",
        text="",
        payload=encode([list(args or ()), dict(kwargs or {})]),
        max_retries=DEFAULT_MAX_RETRIES,
        tags=tuple(options.get("tags") or ()),
        group=options.get("group_id") or "",
    )
