"""What follows a job in its canvas: link, errbacks, chord and the rest of its chain.

Celery has it in the message only, which is gone once the job has ended. The record of a failed job
keeps it, so that a rerun goes on with the canvas.
"""

from typing import Any

from project.messages.encoding import decode, encode

OPTIONS = {
    "callbacks": "link",
    "errbacks": "link_error",
    "chain": "chain",
    "chord": "chord",
    "group": "group_id",
    "group_index": "group_index",
    "root_id": "root_id",
    "parent_id": "parent_id",
}
"""The name in a request -> the option of ``apply_async``."""

FOLLOWERS = ("callbacks", "errbacks", "chain", "chord")


def encode_canvas(request: Any) -> str:
    """What follows the job of a request, as JSON; "" when nothing does."""
    if not any(getattr(request, name, None) for name in FOLLOWERS):
        return ""
    embedded = {name: getattr(request, name, None) for name in OPTIONS}
    return encode({name: value for name, value in embedded.items() if value is not None})


def decode_canvas(text: str) -> dict[str, Any]:
    """The options of ``apply_async`` that enqueue a job with what follows it."""
    embedded = decode(text)
    if not isinstance(embedded, dict):  # "1": of a job that has not failed in a process
        return {}
    return {OPTIONS[name]: value for name, value in embedded.items()}
