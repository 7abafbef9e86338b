"""Jobs for workflows: rows, one job for each, and one for all."""

import msgspec
from celery import chain, chord

from project.celery import app
from project.errors import PermanentError


class Guest(msgspec.Struct):
    """A row of a fan-out."""

    name: str
    pays: bool = True


@app.task(name="list_guests", http="/guest-lists", typed=True)
def list_guests(guests: int = 3, unpaid: int = 0) -> dict[str, list[Guest]]:
    """Guests, of whom the first do not pay."""
    return {"rows": [Guest(f"guest {number}", number >= unpaid) for number in range(guests)]}


@app.task(name="bill", http="/bills", typed=True, max_retries=1)
def bill(guest: Guest) -> str:
    """Fail for those who do not pay."""
    if not guest.pays:
        raise PermanentError(f"{guest.name} does not pay")
    return guest.name


@app.task(name="sum_up", http="/sums", typed=True)
def sum_up(names: list[str | None]) -> int:
    """How many have paid."""
    return len(names)


@app.task(name="stay", http="/stays")
def stay() -> None:
    """Do nothing."""


@app.task(name="send_chord", http="/chords")
def send_chord() -> str:
    """Send a chord in a chain; the id of its last job."""
    middle = chord([stay.si(), stay.si()], stay.si())
    return str(chain(stay.si(), middle, stay.si()).apply_async().id)


@app.task(name="fail", http="/fails", max_retries=1)
def fail() -> None:
    """Fail for good."""
    raise PermanentError("it was to fail")
