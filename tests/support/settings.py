"""The variables of all settings: of the platform and of every kind of job."""

from importlib import import_module

from pydantic.fields import FieldInfo

from project.settings.groups import list_groups, list_variables

PACKAGES = ("project.", "tasks.")
"""Tests may declare groups of their own."""


def list_all_variables() -> dict[str, FieldInfo]:
    """Map the name of each variable to its field, the platform's first."""
    from project.configuration import list_task_modules  # reads the platform's settings

    for module in list_task_modules(["tasks"]):
        import_module(module)
    groups = [group for group in list_groups() if group.__module__.startswith(PACKAGES)]
    return {name: field for group in groups for name, field in list_variables(group).items()}
