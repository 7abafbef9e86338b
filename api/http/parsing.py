"""Parsing of bodies and query strings into typed values.

Cello's own ``request.json()`` is never used: a deeply nested body overflows its stack and ends the
process.
"""

import codecs
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

import msgspec

from api.http.problems import FieldError, Problem
from api.http.validation_errors import parse_violation
from project.errors import InvalidField
from project.messages.validation import MAX_LEVELS, is_too_deep

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
    ``text/csv``, is returned as text.
    """

    def __init__(self, shape: Any, limit: int, *, is_needed: bool = True, also: str = "") -> None:
        self.shape = shape
        self.limit = limit
        self.is_needed = is_needed
        self.also = also
        self._decode = msgspec.json.Decoder(shape).decode

    def read(self, source: BodySource) -> Any:
        """Parse the body. Raises ``Problem`` 400, 413, 415 or 422, or ``InvalidField``."""
        if not self.is_needed and not _decode_text(source):
            return self.shape()
        content_type = source.get_header("content-type")
        is_other = bool(self.also) and _media_type_of(content_type) == self.also
        if not is_other:
            _require_json(content_type, self.also)
        text = _read_table(source) if is_other else _read_text(source)
        _require_size(text, self.limit)
        if is_other:
            return text
        try:
            return _require_shallow(self._decode(text), text)
        except msgspec.ValidationError as error:
            _require_syntax(text)
            if "got `float`" not in str(error):
                raise error_from_validation(error, self.shape) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise _problem_from_syntax(error) from error
        return self._read_again(text)

    def _read_again(self, text: str) -> Any:
        """Parse the body with 3.0 as 3, which JSON Schema calls an integer."""
        try:
            return _require_shallow(
                convert_part(convert_whole_floats(msgspec.json.decode(text)), self.shape), text
            )
        except RecursionError as error:
            raise _problem_from_syntax(error) from error


class QueryReader:
    """Reads the query string of one route; made once per route."""

    def __init__(self, shape: type[msgspec.Struct]) -> None:
        self.shape = shape
        self.allowed = frozenset(shape.__struct_encode_fields__)

    def read(self, parameters: dict[str, str]) -> Any:
        """Convert the parameters. Raises ``Problem`` 400 or ``InvalidField``."""
        if not self.allowed.issuperset(parameters):
            self._refuse_unknown(parameters)
        try:
            return msgspec.convert(parameters, self.shape, strict=False)
        except msgspec.ValidationError as error:
            self._refuse(error)

    def _refuse_unknown(self, parameters: dict[str, str]) -> NoReturn:
        allowed = ", ".join(sorted(self.allowed)) or "none"
        detail = f"Unknown query parameter; allowed: {allowed}"
        unknown = sorted(set(parameters) - self.allowed)
        errors = [FieldError(field=name, detail=detail) for name in unknown]
        raise Problem(400, _format_detail(", ".join(unknown), detail), errors=errors)

    def _refuse(self, error: msgspec.ValidationError) -> NoReturn:
        if isinstance(error.__cause__, InvalidField):
            raise error.__cause__
        violation = parse_violation(error, self.shape)
        field = ".".join(violation.path)
        fault = FieldError(field=field, detail=violation.detail)
        raise Problem(400, _format_detail(field, violation.detail), errors=[fault]) from error


def convert_whole_floats(value: Any) -> Any:
    """Convert all whole floats in a JSON value to integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [convert_whole_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: convert_whole_floats(item) for name, item in value.items()}
    return value


def convert_part(value: Any, shape: Any) -> Any:
    """Convert a part of a parsed body. Raises ``Problem`` 422 or ``InvalidField``."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise error_from_validation(error, shape) from None


def error_from_validation(error: msgspec.ValidationError, shape: Any) -> Problem | InvalidField:
    """The error to raise for a value that is not a ``shape``."""
    if isinstance(error.__cause__, InvalidField):
        return error.__cause__
    violation = parse_violation(error, shape)
    fault = FieldError(pointer=violation.pointer, detail=violation.detail)
    return Problem(422, _format_detail(violation.pointer, violation.detail), errors=[fault])


def _require_json(content_type: str | None, also: str = "") -> None:
    if not content_type or content_type.startswith("application/json"):
        return
    kind = _media_type_of(content_type)
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    other = f" or {also}" if also else ""
    raise Problem(
        415, f"The body must be JSON: send Content-Type: application/json{other}, not {kind}"
    )


def _media_type_of(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _decode_text(source: BodySource) -> str:
    try:
        return source.text()
    except ValueError as error:
        raise Problem(400, "The body is not UTF-8") from error


def _read_text(source: BodySource) -> str:
    text = _decode_text(source)
    if not text:
        raise Problem(400, "The body is empty: send a JSON object, at least {}")
    return text


def _read_table(source: BodySource) -> str:
    """Return the text of a body in UTF-8, or in UTF-16 with its mark, as Excel saves it."""
    try:
        text = source.text()
    except ValueError:
        text = _decode_utf_16(bytes(source.body()))
    if not text:
        raise Problem(400, "The body is empty: send at least one line")
    return text


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
