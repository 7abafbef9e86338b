"""Check payloads by the schemas of their kinds, before an order becomes a row.

::

    schemas = PayloadSchemas(Client(url, key, retry_seconds=1).kinds)
    enqueue(connection, "invoice", {"number": 7}, check=schemas.check)
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from time import monotonic
from typing import Any, NamedTuple

from continuo_client.errors import ContinuoError, FieldError
from continuo_client.records import Kind

KEPT_SECONDS = 300.0


class InvalidPayload(ContinuoError, ValueError):
    """The payload does not fit its kind. ``errors`` has a field and a problem each."""

    def __init__(self, kind: str, errors: list[FieldError]) -> None:
        problems = "; ".join(f"{error.field}: {error.detail}" for error in errors)
        super().__init__(f"the payload of {kind} is not allowed: {problems}")
        self.kind = kind
        self.errors = errors


class CheckedKind(NamedTuple):
    """The names of the fields of a payload, and what validates it."""

    fields: frozenset[str]
    validator: Any


class PayloadSchemas:
    """The schemas of kinds. Threads may share them.

    ``load`` returns what ``GET /kinds`` lists, such as the method ``kinds`` of a client, or a
    function that returns kinds from a file. It is called at the first check and again after
    ``seconds``. When it fails the kinds that are known stay, and without any nothing is checked:
    orders do not depend on the API, and workers check every row anyway. Raises ``ImportError``
    without the package ``jsonschema-rs``: install ``continuo-client[schemas]``.
    """

    def __init__(
        self, load: Callable[[], Iterable[Kind]], *, seconds: float = KEPT_SECONDS
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._build = import_module("jsonschema_rs").validator_for
        self._kinds: dict[str, CheckedKind] = {}
        self._load_at = 0.0
        self._turn = threading.Lock()

    def check(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Raise ``InvalidPayload`` unless the payload fits; a kind that is not known fits."""
        if self._load_at <= monotonic():
            self.refresh()
        if known := self._kinds.get(kind):
            errors = [*find_unknown(known, payload), *find_wrong(known, payload)]
            if errors:
                raise InvalidPayload(kind, errors)

    def refresh(self) -> None:
        """Load the kinds now; one thread does, and others go on with what is known."""
        if not self._turn.acquire(blocking=not self._kinds):
            return
        try:
            if self._load_at <= monotonic():
                self._load_at = monotonic() + self._seconds
                self._kinds = {each["kind"]: self._prepare(each) for each in self._load()}
        except ContinuoError:
            return
        finally:
            self._turn.release()

    def _prepare(self, kind: Kind) -> CheckedKind:
        return CheckedKind(frozenset(kind["fields"]), self._build(kind["order"]))


def find_unknown(known: CheckedKind, payload: Mapping[str, Any]) -> list[FieldError]:
    """The fields that the kind does not have, the options of orders among them."""
    allowed = ", ".join(sorted(known.fields))
    problem = f"is not a field of this kind; there are: {allowed}"
    return [FieldError(name, problem) for name in sorted(payload.keys() - known.fields)]


def find_wrong(known: CheckedKind, payload: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with the fields of the kind, or missing."""
    fields = {name: value for name, value in payload.items() if name in known.fields}
    return [
        FieldError(".".join(map(str, error.instance_path)) or "payload", error.message)
        for error in known.validator.iter_errors(fields)
    ]
