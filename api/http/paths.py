"""The path table: which route a path leads to.

Cello gets one catch-all route. Its own router does not backtrack: a path that begins like one
template and ends like none is answered without calling our code.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

_TEMPLATE = re.compile(r"/|(/([a-z0-9._-]+|\{[a-z_]+\}))+")
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


def parse_parameter_names(template: str) -> list[str]:
    """The names in braces: ``["id"]`` for ``/reports/{id}``."""
    return _PARAMETER.findall(template)


class Paths[T]:
    """Values by method and path template, such as ``/reports/{id}``.

    A placeholder matches one whole segment that is not empty. When several templates match, a
    literal segment takes precedence over a placeholder, from the left.
    """

    def __init__(self) -> None:
        self._literal: dict[str, dict[str, T]] = {}
        self._templates: dict[int, dict[tuple[str, ...], dict[str, T]]] = {}

    def add(self, method: str, template: str, value: T) -> None:
        """Add a value. Raises ``ValueError`` for a wrong template, or a second value of a pair."""
        if not _TEMPLATE.fullmatch(template):
            raise ValueError(f"not a path template: {template!r}")
        methods = self._methods_of(template)
        if method in methods:
            raise ValueError(f"there is a route already: {method} {template}")
        methods[method] = value

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """The value for a request and its decoded parameters; None when nothing matches."""
        literal = self._literal.get(path)
        if literal and method in literal:
            return literal[method], {}
        segments = path.split("/")
        for pattern, methods in self._find_matches(segments):
            if method in methods:
                return methods[method], _parse_values(pattern, segments)
        return None

    def methods(self, path: str) -> set[str]:
        """The methods that have a value for ``path``."""
        matching = (methods for _, methods in self._find_matches(path.split("/")))
        return set(self._literal.get(path, ())).union(*matching)

    def _methods_of(self, template: str) -> dict[str, T]:
        if not parse_parameter_names(template):
            return self._literal.setdefault(template, {})
        pattern = tuple(template.split("/"))
        same_length = self._templates.setdefault(len(pattern), {})
        methods = same_length.setdefault(pattern, {})
        self._templates[len(pattern)] = dict(sorted(same_length.items(), key=_sort_key_of))
        return methods

    def _find_matches(self, segments: list[str]) -> Iterator[tuple[tuple[str, ...], dict[str, T]]]:
        for pattern, methods in self._templates.get(len(segments), {}).items():
            if _is_match(pattern, segments):
                yield pattern, methods


def _sort_key_of(item: tuple[tuple[str, ...], object]) -> list[bool]:
    return [segment.startswith("{") for segment in item[0]]


def _is_match(pattern: tuple[str, ...], segments: list[str]) -> bool:
    for expected, found in zip(pattern, segments, strict=True):
        if not (found if expected.startswith("{") else found == expected):
            return False
    return True


def _parse_values(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str]:
    pairs = zip(pattern, segments, strict=True)
    return {name[1:-1]: unquote(text) for name, text in pairs if name.startswith("{")}
