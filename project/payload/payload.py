"""``Payload``: the types of a kind's function, which check its calls and make its arguments.

``@app.task(typed=True)`` and ``@app.task(http="/path")`` read them once, when the task is declared.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from inspect import Parameter, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from project.errors import InvalidField, InvalidKind
from project.payload.conversion import convert, to_json
from project.payload.descriptions import describe_fields
from project.payload.fields import PayloadField, list_fields, read_object
from project.payload.offer import ONLY_IN_PYTHON
from project.payload.schemas import build_schema
from project.payload.violations import find_violations, parse_violation

MAX_SHOWN_VIOLATIONS = 10
"""The number of wrong values that an error names."""

type Check = Callable[..., dict[str, Any] | None]

PLAIN_DEFAULTS = (str, int, float, bool, type(None))


class CheckedArguments(dict[str, Any]):
    """Arguments that ``Payload`` has checked, as JSON has them; they are not checked again."""


class Payload:
    """The payload of a kind.

    ``parameters`` are the fields of a call: the parameters of the function. ``fields`` are those of
    an order over HTTP: the same without those that are ``ONLY_IN_PYTHON``, or those of the only
    parameter when that is a struct, a dataclass or a ``TypedDict``; ``wrapper`` is its name then,
    else "". ``attributes`` are the names of ``fields`` with those in JSON. ``result`` is the type
    of the result.

    ``check`` is called with the arguments as objects, for what types cannot say. It raises
    ``InvalidField``, and may return the arguments to store in place of these; checking those again
    must change nothing. With ``keeps_decimals``, decimals stay what they are until ``check``.

    Raises ``InvalidKind`` for a function without types.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        is_bound: bool,
        check: Check | None,
        keeps_decimals: bool = False,
    ) -> None:
        self.check = check
        self._kept = (Decimal,) if keeps_decimals else ()
        hints = read_hints(function)
        self.result = hints.get("return", Any)
        parameters = read_parameters(function, hints, is_bound=is_bound)
        self.parameters = describe_fields(parameters, function.__doc__)
        self.shape = build_struct(f"{camel(function.__name__)}Payload", self.parameters)
        self.wrapper, self.fields = unwrap(self.parameters)
        self.attributes = {field.name: field.encode_name for field in self.fields}
        self._names = frozenset(self.attributes.values())

    def dump(self, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Check the arguments of a call and return them by name, as JSON has them.

        Raises ``InvalidField`` with everything that is wrong.
        """
        if isinstance(kwargs, CheckedArguments) and not args:
            return kwargs
        values = self._to_json(self._name(args or (), kwargs or {}), "args")
        self._require_known_fields(values.get(self.wrapper))
        objects = arguments_of(convert_all(values, self.shape))
        return CheckedArguments(self._run_check(objects) or values)

    def dump_order(self, order: Any) -> dict[str, Any]:
        """The same for an order over HTTP, an object that has ``fields`` as its attributes."""
        if not self.wrapper:
            objects = {name: getattr(order, name) for name in self.attributes}
            return CheckedArguments(self._run_check(objects) or self._to_json(objects, "args"))
        wrapped = {
            encode_name: value
            for name, encode_name in self.attributes.items()
            if (value := getattr(order, name)) is not msgspec.UNSET
        }
        return self.dump_fields(wrapped)

    def dump_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The same for the fields of an order, as JSON has them. Raises ``InvalidField``."""
        if not self.wrapper:
            if unknown := sorted(fields.keys() - self._names):
                allowed = ", ".join(sorted(self._names)) or "none"
                raise InvalidField(unknown[0], f"is not a field of this kind; allowed: {allowed}")
            return self.dump((), fields)
        try:
            return self.dump((), {self.wrapper: dict(fields)})
        except InvalidField as wrong:
            field = wrong.field.removeprefix(f"{self.wrapper}.")
            raise InvalidField(field, wrong.problem) from None

    def _run_check(self, objects: dict[str, Any]) -> dict[str, Any] | None:
        """What ``check`` returns, as JSON has it; None when it returns nothing."""
        replaced = self.check(**objects) if self.check else None
        return None if replaced is None else self._to_json(replaced, "args")

    def _to_json(self, value: Any, name: str) -> Any:
        """A value as JSON has it. Raises ``InvalidField(name)``."""
        try:
            return to_json(value, self._kept)
        except (TypeError, ValueError) as problem:
            raise InvalidField(name, str(problem)) from problem

    def load(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the function, as objects. Raises ``InvalidField``."""
        return arguments_of(convert_all(to_json(self._name(args, kwargs)), self.shape))

    def dump_result(self, result: Any) -> Any:
        """The result as JSON has it. Raises ``InvalidField`` when it is not of its type."""
        value = self._to_json(result, "result")
        convert_all(value, self.result, "result")
        return value

    def _require_known_fields(self, wrapped: Any) -> None:
        """Raise ``InvalidField`` for a field that an order over HTTP could not have either."""
        if isinstance(wrapped, dict) and wrapped.keys() - self._names:
            convert_all(wrapped, build_struct("Wrapped", self.fields), self.wrapper)

    def _name(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments by the names of their parameters. Raises ``InvalidField``."""
        names = [parameter.name for parameter in self.parameters]
        if len(args) > len(names):
            raise InvalidField("args", f"at most {len(names)} are allowed: {', '.join(names)}")
        named = dict(zip(names, args, strict=False))
        if twice := sorted(named.keys() & kwargs.keys()):
            raise InvalidField(twice[0], "is given twice")
        return named | dict(kwargs)


def read_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function. Raises ``InvalidKind`` for a name that cannot be found."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as problem:
        raise InvalidKind(
            f"{function.__qualname__}: {problem}; import the types of a job"
        ) from None


def read_parameters(
    function: Callable[..., Any], hints: Mapping[str, Any], *, is_bound: bool
) -> Iterator[PayloadField]:
    """The parameters of a function, without its ``self``.

    Raises ``InvalidKind`` for one without a type or a name of its own.
    """
    found = list(signature(function).parameters.values())
    for parameter in found[1:] if is_bound else found:
        name = parameter.name
        where = f"{function.__qualname__}: parameter {name}"
        if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            raise InvalidKind(f"{where}: each parameter of a typed job has a name of its own")
        if name not in hints:
            raise InvalidKind(f"{where} has no type")
        shape = hints[name]
        require_known(shape, where)
        yield PayloadField(name, shape, build_default(parameter.default), name)


def require_known(shape: Any, where: str) -> None:
    """Raise ``InvalidKind`` for a type that no JSON value can have."""
    try:
        build_schema(shape)
    except (TypeError, NameError) as problem:
        raise InvalidKind(f"{where}: {problem}") from None


def build_default(default: Any) -> Any:
    """The default of a parameter as a field has it."""
    if default is Parameter.empty:
        return msgspec.field()
    if isinstance(default, PLAIN_DEFAULTS):
        return msgspec.field(default=default)
    if not default and type(default) in {list, dict, set}:
        return msgspec.field(default_factory=type(default))  # schemas show it
    return msgspec.field(default_factory=lambda: copy.deepcopy(default))


def build_struct(name: str, fields: Sequence[PayloadField]) -> type[msgspec.Struct]:
    """A struct of these fields, which allows no other."""
    return msgspec.defstruct(
        name, [each.definition for each in fields], kw_only=True, forbid_unknown_fields=True
    )


def unwrap(parameters: Sequence[PayloadField]) -> tuple[str, list[PayloadField]]:
    """The name of the only parameter whose fields are the payload, and these fields."""
    if len(parameters) == 1:
        (only,) = parameters
        shape = get_args(only.type)[0] if get_origin(only.type) is Annotated else only.type
        node = read_object(shape)
        if node is not None and getattr(node, "tag", None) is None:
            return only.name, describe_fields(list_fields(shape), shape.__doc__)
    return "", [each for each in parameters if not is_only_in_python(each.type)]


def is_only_in_python(shape: Any) -> bool:
    """Whether a parameter is marked with ``ONLY_IN_PYTHON``."""
    return get_origin(shape) is Annotated and ONLY_IN_PYTHON in get_args(shape)


def convert_all(value: Any, shape: Any, name: str = "") -> Any:
    """The object of a JSON value. Raises ``InvalidField`` with everything that is wrong.

    ``name`` begins the paths of what is wrong.
    """
    try:
        return convert(value, shape)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InvalidField):
            raise error.__cause__ from None
        violations = find_violations(value, shape) or [parse_violation(error, shape)]
        (field, problem), *others = [
            (".".join([name, *each.path] if name else each.path), each.detail)
            for each in violations[:MAX_SHOWN_VIOLATIONS]
        ]
        rest = "".join(f"; {where}: {detail}" for where, detail in others)
        raise InvalidField(field, problem + rest) from None


def arguments_of(struct: Any) -> dict[str, Any]:
    """The fields of a struct by name."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def camel(name: str) -> str:
    """``make_invoice`` as ``MakeInvoice``."""
    return "".join(part.title() for part in name.replace("-", "_").replace(".", "_").split("_"))
