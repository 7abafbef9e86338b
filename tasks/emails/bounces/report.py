"""A bounce or a complaint about one recipient."""

from enum import StrEnum
from typing import NamedTuple

from project.errors import ContinuoError


class BounceKind(StrEnum):
    """What a report means: ``hard`` and ``complaint`` suppress, ``soft`` is counted."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


class BounceReport(NamedTuple):
    """A report about an address; ``id`` is the same when the report comes again."""

    address: str
    kind: BounceKind
    id: str


class IntakeRefused(ContinuoError):
    """A report is forged, too old, or cannot be read; nothing was changed."""
