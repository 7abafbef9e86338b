"""Waits of an attempt: how long, for what type, and what the stored end of one means."""

import sys
from collections.abc import Callable
from datetime import timedelta
from math import isfinite
from typing import Any

from celery.exceptions import Ignore
from celery.utils.log import get_logger
from kombu.exceptions import EncodeError

from project.errors import InvalidField
from project.messages.encoding import decode, encode
from project.payload.conversion import to_json
from project.payload.payload import convert_all
from project.store.commands.command import Command
from project.store.commands.waits import WaitAnswer, WaitStage

MAX_WAIT_DAYS = 366
MAX_SIGNAL_BYTES = 65_536
"""The longest JSON of a signal."""

MAX_LOOKS = 100
"""How many signals an attempt looks at before it lets the next one do so."""

MAX_QUESTION_CHARACTERS = 1_000
MAX_CHOICES = 10

log = get_logger(__name__)


class Waits(Ignore):
    """Raised to end an attempt whose job waits; the job runs again when the wait is over."""

    outcome = "waiting"


def measure_seconds(field: str, time: float | timedelta) -> float:
    """The seconds of a wait. Raises ``InvalidField`` unless they are above 0 and bounded."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    most = timedelta(days=MAX_WAIT_DAYS).total_seconds()
    if not isfinite(seconds) or not 0 < seconds <= most:
        problem = f"{seconds!r} is not a time above 0 and up to {MAX_WAIT_DAYS} days"
        raise InvalidField(field, problem)
    return float(seconds)


def check_question(question: str, choices: dict[str, Any]) -> dict[str, Any]:
    """The choices as JSON has them. Raises ``InvalidField`` for what no page can show."""
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise InvalidField("question", f"must have at most {MAX_QUESTION_CHARACTERS} characters")
    if len(choices) > MAX_CHOICES:
        raise InvalidField("choices", f"{len(choices)} are more than {MAX_CHOICES}")
    shown: dict[str, Any] = to_json(choices)
    encode_signal(shown, "choices")
    return shown


def encode_signal(signal: Any, field: str = "signal") -> str:
    """The JSON of a signal: equal ones give equal texts. Raises ``InvalidField``."""
    try:
        text = encode(sort_keys(to_json(signal)))
    except (TypeError, ValueError, EncodeError) as problem:
        raise InvalidField(field, f"is not JSON: {problem}") from problem
    if len(text.encode()) > MAX_SIGNAL_BYTES:
        raise InvalidField(field, f"its JSON must have at most {MAX_SIGNAL_BYTES:,} bytes")
    return text


def sort_keys(value: Any) -> Any:
    """A JSON value with the keys of its objects in order."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    return [sort_keys(each) for each in value] if isinstance(value, list) else value


def name_type(shape: Any) -> str:
    """The name under which ``find_type`` finds a type again; "" for one without."""
    name = f"{getattr(shape, '__module__', '')}:{getattr(shape, '__qualname__', '')}"
    return name if find_type(name) is shape else ""


def find_type(name: str) -> Any:
    """The type of this name in the modules of this process; ``Any`` when it is not there."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else Any


def run_wait(
    run: Callable[[Command[WaitAnswer]], WaitAnswer],
    build: Callable[..., Command[WaitAnswer]],
    shape: Any,
    name: str,
) -> WaitAnswer:
    """Begin or continue a wait, and judge the signals that are there by their type.

    One of another type is thrown away: its sender could not know the type yet. Raises ``Waits``
    when the attempt has ended.
    """
    answer = run(build())
    for _ in range(MAX_LOOKS):
        if answer.stage is not WaitStage.LOOK:
            break
        will_do = is_of_type(answer.signal, shape, name)
        answer = run(build(looked_at=answer.signal, will_do=will_do))
    if answer.stage in (WaitStage.WAITS, WaitStage.REFUSED, WaitStage.LOOK):
        raise Waits(f"the job waits: {name}")
    return answer


def is_of_type(signal: str, shape: Any, name: str) -> bool:
    """Whether the JSON of a signal is of a type; says in the log why it is not."""
    try:
        read_signal(signal, shape, name)
    except InvalidField as problem:
        log.warning("a signal that came before its wait is thrown away: %s", problem)
        return False
    return True


def read_signal(signal: str, shape: Any, name: str) -> Any:
    """The value of a signal. Raises ``InvalidField`` when it is of another type."""
    return convert_all(decode(signal), shape, name)
