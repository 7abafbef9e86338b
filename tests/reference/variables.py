"""The settings, from the classes that read them."""

from typing import Any, get_args

from pydantic.fields import FieldInfo

from benchmarks.support.page_parts import format_table
from tests.reference.prose import format_values
from tests.support.settings import list_all_variables


def make_settings() -> str:
    """The table of all settings."""
    rows = (format_setting(name, field) for name, field in list_all_variables().items())
    return format_table(("variable", "default", "allowed", "meaning"), rows)


def format_setting(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    """The row of one setting."""
    return f"`{name}`", default_of(field), allowed_of(field), field.description or ""


def default_of(field: FieldInfo) -> str:
    """The default in words."""
    shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{shown}`" if shown else ""


def allowed_of(field: FieldInfo) -> str:
    """The type and the bounds in words."""
    if values := get_args(field.annotation):
        return format_values(values)
    low, high = bound_of(field, "ge"), bound_of(field, "le")
    kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(
        field.annotation or str, ""
    )
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    return f"{low:,} or more" if low is not None else kind


def bound_of(field: FieldInfo, name: str) -> Any:
    """A bound, or None when there is none."""
    found = [getattr(rule, name) for rule in field.metadata if hasattr(rule, name)]
    return found[0] if found else None
