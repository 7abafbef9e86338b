"""Why jobs fail: failures of one cause have one fingerprint. Pure.

A fingerprint is made of the class of the error, of the lines of code of the user's own that it went
through, without their numbers, and of its message without what differs from job to job. Where no
line is the user's, the kind of the job counts too.
"""

import re
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

import msgspec

PLATFORM = str(Path(__file__).parents[1])
"""The folder of this program: its lines are not the user's."""

MAX_HEADLINE_CHARACTERS = 200
MAX_FRAMES = 10
"""The innermost lines of the user's own code that count."""

_FRAME = re.compile(r'^  File "(?P<path>[^"\n]+)", line \d+, in (?P<function>.+)$', re.MULTILINE)

_FOREIGN = ("/site-packages/", "/dist-packages/", "/lib/python", "<frozen ", f"{PLATFORM}/")

_CHAIN = "Traceback (most recent call last):"

_DIFFERENCES = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # a UUID
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an address
    r"|'[^'\n]{1,200}'|\"[^\"\n]{1,200}\""  # a quoted text
    r"|\b0x[0-9a-f]+\b|\b(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{8,}\b"  # an id
    r"|\d+(?:[.,:]\d+)*",  # a number
    re.IGNORECASE,
)
"""What differs between the messages of one cause."""

PLACEHOLDER = "<*>"


class CauseState(StrEnum):
    """What people have said of a cause."""

    OPEN = "open"
    RESOLVED = "resolved"
    """The next failure opens it again, as a regression."""
    IGNORED = "ignored"
    """Until a time, after which it is open."""


class Filing(msgspec.Struct, frozen=True):
    """Under which cause a failure is filed. ``frames`` are lines such as ``shop/orders.py:pay``."""

    fingerprint: str
    headline: str
    frames: list[str] = []


def build_filing(error_class: str, message: str, traceback: str, kind: str = "") -> Filing:
    """Find the cause of a failure from its error, as Python prints it, and the kind of its job."""
    frames = list_own_frames(traceback)
    headline = f"{error_class}: {remove_differences(message)}"[:MAX_HEADLINE_CHARACTERS]
    parts = (headline, *frames) if frames else (headline, kind)
    return Filing(compute_digest("\n".join(parts)), headline, frames)


def compute_digest(text: str) -> str:
    """Twelve characters that stand for a text."""
    return blake2b(text.encode(errors="replace"), digest_size=6).hexdigest()


def remove_differences(message: str) -> str:
    """The first line of a message without numbers, ids, addresses and quoted texts."""
    line = message.strip().partition("\n")[0][: 2 * MAX_HEADLINE_CHARACTERS]
    return _DIFFERENCES.sub(PLACEHOLDER, line)


def list_own_frames(traceback: str) -> list[str]:
    """The user's own lines in the last traceback of a chain; those of all if it has none."""
    last = find_own_frames(traceback.rpartition(_CHAIN)[2])
    return (last or find_own_frames(traceback))[-MAX_FRAMES:]


def find_own_frames(traceback: str) -> list[str]:
    """The user's own lines in a piece of a traceback, outermost first."""
    return [
        f"{shorten_path(frame['path'])}:{frame['function']}"
        for frame in _FRAME.finditer(traceback)
        if not any(part in frame["path"] for part in _FOREIGN)
    ]


def shorten_path(path: str) -> str:
    """The last folder and the name of a file: machines keep code in different places."""
    return "/".join(path.split("/")[-2:])
