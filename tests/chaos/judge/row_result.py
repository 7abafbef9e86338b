"""The figures of a row, and the promises they have to keep."""

from dataclasses import asdict, dataclass, field
from typing import Any

MAX_RECOVERY_SECONDS = 15.0
MAX_RESUME_SECONDS = 5.0

COLUMNS = (
    ("row", "row", "{:<24}"),
    ("enqueued", "enqueued", "{:>8}"),
    ("finished", "finished", "{:>8}"),
    ("lost", "lost", "{:>4}"),
    ("late", "late", "{:>4}"),
    ("accepted_twice", "accepted x2", "{:>11}"),
    ("killed", "killed", "{:>6}"),
    ("effects_twice", "effects x2", "{:>10}"),
    ("once_twice", "once x2", "{:>7}"),
    ("overlapping", "overlap", "{:>7}"),
    ("recovery", "recovery s", "{:>10}"),
    ("resume", "resume s", "{:>8}"),
    ("seconds", "took s", "{:>6}"),
)


@dataclass
class RowResult:
    """The figures of one row.

    ``finished``: jobs that had their effect. ``lost``: accepted jobs that did not end as they
    should; ``late``: lost jobs that are still in Redis when the row stops waiting.
    ``accepted_twice``: surplus final statuses. ``killed``: killed servers, and killed processes
    that may have been running a job. ``effects_twice``: surplus effects of all kinds except
    ``once``; ``once_twice``: surplus effects inside ``job.once``. ``overlapping``: pairs of runs
    of one job that overlapped. ``recovery`` and ``resume``: worst cases in seconds, None when
    nothing was measured. ``rolls_back``: the server forgets what it confirmed, so jobs run again.
    ``faults``: broken promises that only this row makes.
    """

    row: str
    enqueued: int = 0
    finished: int | None = None
    lost: int = 0
    late: int = 0
    accepted_twice: int = 0
    killed: int = 0
    effects_twice: int = 0
    once_twice: int = 0
    overlapping: int = 0
    recovery: float | None = None
    resume: float | None = None
    seconds: float = 0.0
    may_overlap: bool = False
    rolls_back: bool = False
    is_judged: bool = True
    faults: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def find_broken_promises(self) -> list[str]:
        """The broken promises; [] for stock Celery, which makes none of them."""
        if not self.is_judged:
            return []
        checks = {
            f"{self.lost} jobs lost": self.lost == 0,
            f"{self.accepted_twice} finishes accepted twice": self.accepted_twice == 0,
            f"{self.overlapping} overlapping attempts": self.may_overlap or self.overlapping == 0,
            f"{self.effects_twice} effects twice, {self.killed} processes killed": (
                self.rolls_back or self.effects_twice <= self.killed
            ),
            f"{self.once_twice} effects twice through once": (
                self.rolls_back or self.once_twice == 0
            ),
            f"recovery took {format_figure(self.recovery)} s": (self.recovery or 0)
            <= MAX_RECOVERY_SECONDS,
            f"resuming took {format_figure(self.resume)} s": (self.resume or 0)
            <= MAX_RESUME_SECONDS,
        }
        return [promise for promise, kept in checks.items() if not kept] + self.faults

    def to_dict(self) -> dict[str, Any]:
        """The figures in JSON types."""
        return asdict(self) | {"broken": self.find_broken_promises()}

    def line(self) -> str:
        """Format the figures as one line of the table."""
        return "  ".join(
            form.format(format_figure(getattr(self, name))) for name, _, form in COLUMNS
        )


def format_heading() -> str:
    """The heading of the table."""
    return "  ".join(form.format(title) for _, title, form in COLUMNS)


def format_figure(value: Any) -> str:
    """Format one figure; "-" for None."""
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
