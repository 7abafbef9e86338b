"""States that a job chooses itself: ``update_state(state="PROGRESS", meta={"current": 3})``."""

from math import isfinite
from typing import Any

from project.job.running.progress import MAX_NOTE_CHARACTERS
from project.messages.encoding import encode, replace_surrogates
from project.records.record import Progress


def encode_state(state: str, meta: Any, *, is_last: bool = False) -> str:
    """The state as the record keeps it. ``is_last``: the job ends with it."""
    return encode({"state": state, "meta": meta, "is_last": is_last})


def describe_progress(state: str, meta: Any) -> Progress:
    """The state as progress: with its ``current`` (or ``done``) and its ``total``, if numbers."""
    given = meta if isinstance(meta, dict) else {}
    done, total = given.get("current", given.get("done")), given.get("total")
    if done is None or not is_number(done):
        note = state if meta is None else f"{state} {encode(meta)}"
        return Progress(0, None, replace_surrogates(note)[:MAX_NOTE_CHARACTERS])
    return Progress(done, total if is_number(total) else None, state[:MAX_NOTE_CHARACTERS])


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    is_numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_numeric and isfinite(value)
