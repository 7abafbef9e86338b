"""Parsing of bodies and query strings into typed values.

Cello's own ``request.json()`` is never used: a deeply nested body overflows its stack and ends the
process.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import isfinite
from typing import Any, NoReturn, Protocol

import msgspec

from api.http.problems import FieldError, Problem
from project.errors import InvalidField
from project.messages.validation import MAX_LEVELS, is_too_deep
from project.payload.conversion import convert
from project.payload.models import build_model
from project.payload.violations import find_violations, parse_violation

JSON = "application/json"
MAIL = "message/rfc822"
MAX_SHOWN_FAULTS = 10
"""The number of wrong values that ``detail`` repeats; ``errors`` has all."""

_SYNTAX_DECODER = msgspec.json.Decoder(msgspec.Raw)


class BodySource(Protocol):
    """The methods of a Cello request that a body is read with."""

    def get_header(self, key: str, /) -> str | None:
        """The value of a header, in any case of its name."""

    def text(self) -> str:
        """The body; ``ValueError`` when it is not UTF-8."""

    def body(self) -> Iterable[int]:
        """The bytes of the body as they were sent."""


class BodyReader:
    """Reads the body of one route; made once per route.

    ``shape`` is the type of the JSON body and ``limit`` its largest size in bytes. When the body is
    not needed, an empty one gives ``shape()``. A body of the media type ``also``, such as
    ``text/csv``, is returned as text. With ``shape.keeps_decimals``, values of any type keep the
    digits that were sent: a number with a point is a ``Decimal`` there.
    """

    def __init__(self, shape: Any, limit: int, *, is_needed: bool = True, also: str = "") -> None:
        self.shape = shape
        self.limit = limit
        self.is_needed = is_needed
        self.also = also
        hook = Decimal if getattr(shape, "keeps_decimals", False) else None
        self._decode = msgspec.json.Decoder(shape, float_hook=hook, dec_hook=build_model).decode
        self._decode_any = msgspec.json.Decoder(float_hook=hook).decode

    def read(self, source: BodySource) -> Any:
        """Parse the body. Raises ``Problem`` 400, 413, 415 or 422, or ``InvalidField``."""
        return self.parse(*self.receive(source))

    def receive(self, source: BodySource) -> tuple[str, bool]:
        """The text of the body, and whether it is of the type ``also``.

        Raises ``Problem`` 400, 413 or 415. A body that is not needed and missing is "".
        """
        content_type = source.get_header("content-type")
        is_other = bool(self.also) and _media_type_of(content_type) == self.also
        if content_type and not is_other:
            _require_json(content_type, self.also)
        text = self._read_other(source) if is_other else _decode_text(source)
        if not text and self.is_needed:
            least = "at least one line" if is_other else "a JSON object, at least {}"
            raise Problem(400, f"The body is empty: send {least}")
        if text and not content_type:
            _require_json("", self.also)
        _require_size(text, self.limit)
        return text, is_other

    def _read_other(self, source: BodySource) -> str:
        """A mail as Latin-1, whatever its bytes mean; a table or a text in UTF-8 or UTF-16."""
        if self.also == MAIL:
            return bytes(source.body()).decode("latin-1")
        return _read_table(source)

    def parse(self, text: str, is_other: bool) -> Any:
        """Parse the text of a body. Raises ``Problem`` 400 or 422, or ``InvalidField``."""
        if is_other:
            return text
        if not text:
            return self.shape()
        try:
            return _require_shallow(self._decode(text), text)
        except msgspec.ValidationError:
            _require_syntax(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise _problem_from_syntax(error) from error
        return self._read_again(text)

    def _read_again(self, text: str) -> Any:
        """Parse the body with 3.0 as 3, which JSON Schema calls an integer; find all faults."""
        try:
            value = _require_shallow(self._decode_any(text), text)
            return convert_part(value, self.shape)
        except RecursionError as error:
            raise _problem_from_syntax(error) from error


class QueryReader:
    """Reads the query string of one route; made once per route.

    With ``shape.is_open_name``, parameters whose name it accepts are the field ``values``.
    """

    def __init__(self, shape: type[msgspec.Struct]) -> None:
        self.shape = shape
        self.is_open_name: Callable[[str], object] | None = getattr(shape, "is_open_name", None)
        self.allowed = frozenset(shape.__struct_encode_fields__)
        if self.is_open_name:
            self.allowed -= {"values"}

    def read(self, parameters: dict[str, str]) -> Any:
        """Convert the parameters. Raises ``Problem`` 400 or ``InvalidField``."""
        if self.is_open_name is None:
            return self._convert(parameters)
        values = {name: text for name, text in parameters.items() if self.is_open_name(name)}
        rest = {name: text for name, text in parameters.items() if name not in values}
        return msgspec.structs.replace(self._convert(rest), values=values)

    def _convert(self, parameters: dict[str, str]) -> Any:
        if not self.allowed.issuperset(parameters):
            self._refuse_unknown(parameters)
        try:
            return msgspec.convert(parameters, self.shape, strict=False)
        except msgspec.ValidationError as error:
            self._refuse(error, parameters)

    def _refuse_unknown(self, parameters: dict[str, str]) -> NoReturn:
        allowed = ", ".join(sorted(self.allowed)) or "none"
        detail = f"Unknown query parameter; allowed: {allowed}"
        unknown = sorted(set(parameters) - self.allowed)
        errors = [FieldError(field=name, detail=detail) for name in unknown]
        raise Problem(400, _format_detail(", ".join(unknown), detail), errors=errors)

    def _refuse(self, error: msgspec.ValidationError, parameters: dict[str, str]) -> NoReturn:
        if isinstance(error.__cause__, InvalidField):
            raise error.__cause__
        faults = list(self._find_faults(parameters))
        detail = "; ".join(_format_detail(str(fault.field), fault.detail) for fault in faults)
        raise Problem(400, detail, errors=faults) from error

    def _find_faults(self, parameters: dict[str, str]) -> Iterator[FieldError]:
        for field in msgspec.structs.fields(self.shape):
            name = field.encode_name
            try:
                if name in parameters:
                    msgspec.convert(parameters[name], field.type, strict=False)
                elif field.required:
                    yield FieldError(field=name, detail="Required parameter is missing")
            except msgspec.ValidationError as error:
                yield FieldError(field=name, detail=parse_violation(error, field.type).detail)


def convert_part(value: Any, shape: Any) -> Any:
    """Convert a part of a parsed body. Raises ``Problem`` 422 or ``InvalidField``."""
    try:
        return convert(value, shape)
    except msgspec.ValidationError as error:
        raise error_from_validation(error, value, shape) from None


def convert_order(value: Any, shape: Any, *, keeps_decimals: bool) -> Any:
    """Convert a part of a body that was parsed with its decimals, as a ``BodyReader`` would.

    Raises ``Problem`` 422 or ``InvalidField``.
    """
    if not keeps_decimals:
        value = convert_decimals(value)
    return convert_part(value, shape)


def convert_decimals(value: Any) -> Any:
    """Convert all decimals inside a value to floats. Raises ``Problem`` 422 for too large ones."""
    if isinstance(value, dict):
        return {name: convert_decimals(item) for name, item in value.items()}
    if isinstance(value, list):
        return [convert_decimals(item) for item in value]
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    if not isfinite(number):
        raise Problem(422, "A number is out of range: at most 1.79e308")
    return number


def error_from_validation(
    error: msgspec.ValidationError, value: Any, shape: Any
) -> Problem | InvalidField:
    """The error to raise for a parsed ``value`` that is not a ``shape``: all that is wrong."""
    violations = find_violations(value, shape)
    if not violations:
        if isinstance(error.__cause__, InvalidField):
            return error.__cause__
        violations = [parse_violation(error, shape)]
    faults = [FieldError(pointer=each.pointer, detail=each.detail) for each in violations]
    detail = "; ".join(
        _format_detail(each.pointer, each.detail) for each in violations[:MAX_SHOWN_FAULTS]
    )
    rest = len(violations) - MAX_SHOWN_FAULTS
    return Problem(422, f"{detail}; and {rest} more" if rest > 0 else detail, errors=faults)


def require_json_if_any(source: BodySource) -> None:
    """Raise ``Problem`` 415 for a body that is not declared as JSON, where none is needed.

    A form, which any page may send, has a Content-Type even when it is empty.
    """
    content_type = source.get_header("content-type")
    if content_type or _has_body(source):
        _require_json(content_type or "")


def _has_body(source: BodySource) -> bool:
    length = source.get_header("content-length") or "0"
    return length != "0" or bool(source.get_header("transfer-encoding"))


def _require_json(content_type: str, also: str = "") -> None:
    if content_type == JSON:
        return
    kind = _media_type_of(content_type)
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return
    other = f" or {also}" if also else ""
    sent = f"not {kind}" if kind else "it has none"
    raise Problem(415, f"The body must be JSON: send Content-Type: {JSON}{other}, {sent}")


def _media_type_of(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _decode_text(source: BodySource) -> str:
    try:
        return source.text()
    except ValueError as error:
        raise Problem(400, "The body is not UTF-8") from error


def _read_table(source: BodySource) -> str:
    """Return the text of a body in UTF-8, or in UTF-16 with its mark, as Excel saves it."""
    try:
        return source.text()
    except ValueError:
        return _decode_utf_16(bytes(source.body()))


def _decode_utf_16(body: bytes) -> str:
    problem = Problem(400, "The body is neither UTF-8 nor UTF-16")
    if not body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise problem
    try:
        return body.decode("utf-16")
    except UnicodeDecodeError as error:
        raise problem from error


def _require_size(text: str, limit: int) -> None:
    fits = len(text) <= limit and (text.isascii() or len(text.encode()) <= limit)
    if not fits:
        raise Problem(413, f"The body is larger than the {limit} bytes that are allowed")


def _require_syntax(text: str) -> None:
    """Raise ``Problem`` 400 unless the text is JSON: a syntax error goes before a wrong value."""
    try:
        _SYNTAX_DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _problem_from_syntax(error) from error


def _require_shallow(body: Any, text: str) -> Any:
    """The body. Raises ``RecursionError`` when it is nested too deeply for a worker.

    A text with few brackets cannot be, so most bodies are not looked at.
    """
    if text.count("[") + text.count("{") > MAX_LEVELS and is_too_deep(text):
        raise RecursionError
    return body


def _problem_from_syntax(error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(400, f"The body is nested too deeply: at most {MAX_LEVELS} levels")
    return Problem(400, f"The body is not JSON: {error}")


def _format_detail(where: str, detail: str) -> str:
    return f"{where}: {detail}" if where else detail
