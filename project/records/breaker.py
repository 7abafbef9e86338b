"""A breaker: a kind whose jobs fail is held back for a while. Pure."""

from typing import Annotated, Any, ClassVar

import msgspec

from project.errors import InvalidField

MAX_ATTEMPTS = 1_000
MAX_SECONDS = 86_400


type Seconds = Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)]


class Breaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When the jobs of a kind are held back because they fail, and for how long.

    Once at least the ``share`` (above 0, at most 1) of the last ``of`` attempts (1 to 1,000) has
    failed, all of them ``within`` so many seconds, no job of the kind starts for ``hold`` seconds;
    both are at most a day. Then one job runs at a time, until one succeeds. Raises
    ``InvalidField``.
    """

    example: ClassVar[dict[str, Any]] = {"share": 0.5, "of": 20, "within": 60, "hold": 30}

    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    of: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = 20
    within: Seconds = 60.0
    hold: Seconds = 30.0

    def __post_init__(self) -> None:
        """Check the numbers: nothing else does for code."""
        if not 0 < self.share <= 1:
            raise InvalidField("breaker.share", f"{self.share!r} is not above 0 and at most 1")
        if not isinstance(self.of, int) or not 1 <= self.of <= MAX_ATTEMPTS:
            problem = f"{self.of!r} is not a whole number from 1 to {MAX_ATTEMPTS}"
            raise InvalidField("breaker.of", problem)
        for name, seconds in (("within", self.within), ("hold", self.hold)):
            if not 0 < seconds <= MAX_SECONDS:
                problem = f"{seconds!r} is not above 0 and at most {MAX_SECONDS} seconds"
                raise InvalidField(f"breaker.{name}", problem)
