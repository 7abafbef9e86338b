"""Why an attempt failed, in words: bounded, and in characters that Redis takes."""

import traceback
from typing import Any

from project.messages.encoding import replace_surrogates
from project.records.cause import build_filing
from project.records.record import Cause

MAX_ERROR_CHARACTERS = 16_384
"""A longer traceback is cut to its last characters."""

MAX_MESSAGE_CHARACTERS = 500
MAX_TRACEBACK_CHARACTERS = 2_048
"""Bounds for each entry of ``errors``: the first characters of the message, the last of the
traceback."""


def build_cause(kind: str, message: str, trace: str | None) -> Cause:
    """Build the cause of a failed attempt, cut to the bounds of an entry of ``errors``."""
    return Cause(
        kind,
        replace_surrogates(message)[:MAX_MESSAGE_CHARACTERS],
        (trace or "")[-MAX_TRACEBACK_CHARACTERS:],
    )


def describe_cause(exception: dict[str, Any], trace: str | None, kind: str) -> dict[str, Any]:
    """The arguments of ``attempts.fail`` that say why: an entry of ``errors``, and its filing."""
    name, message = str(exception.get("exc_type")), join_words(exception.get("exc_message"))
    return {
        "cause": build_cause(name, message, trace),
        "filing": build_filing(name, message, trace or "", kind),
    }


def format_traceback(exc: BaseException | None) -> str:
    """The last ``MAX_ERROR_CHARACTERS`` of the traceback of ``exc``; "" for None."""
    if exc is None:
        return ""
    text: str = replace_surrogates("".join(traceback.format_exception(exc)))
    return text[-MAX_ERROR_CHARACTERS:]


def join_words(message: Any) -> str:
    """Join the arguments of an exception with spaces."""
    return " ".join(map(str, message)) if isinstance(message, (list, tuple)) else str(message)
