"""Checks all settings at once, and stops a process that has wrong ones.

The process says everything that is wrong in one message: a line for each variable, without a
traceback, and never with a value, which may be a secret.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from project.errors import ContinuoError
from project.settings import (  # noqa: F401 - declare their groups
    client,
    console,
    history,
    packages,
    quotas,
    relay,
    values,
)
from project.settings.groups import SettingsGroup, list_groups, list_variables, read_settings

EXIT_WRONG_SETTINGS = 2
"""The exit code of a process whose settings are wrong: to start it again does not help."""

PREFIX = "CONTINUO_"
KINDS_FOLDER = Path(__file__).parents[2] / "tasks"

OTHER_NAMES = re.compile(
    rf"{PREFIX}(TAG|([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT[A-Z0-9_]*|PORT|PORT_[0-9]+_[A-Z_]+))"
)
"""Names with our prefix that are no settings: the compose file's, and those that Kubernetes makes
for a service called ``continuo``."""


class SettingFault(NamedTuple):
    """A wrong variable, and what is wrong with its value, which is never repeated."""

    variable: str
    problem: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.problem}"


def check_settings() -> None:
    """Check all groups, and names that no group knows. Raises ``ValidationError`` for all faults.

    Of kinds that are not imported, now or in this installation, ``settings.py`` is read.
    """
    groups = list_groups() + load_other_groups()
    known = {name for group in groups for name in list_variables(group)}
    faults = [fault for group in groups for fault in find_faults(group)]
    faults += [SettingFault(name, explain_name(name, known)) for name in list_unknown(known)]
    if faults:
        raise build_error(dict.fromkeys(faults))


def find_faults(group: type[SettingsGroup]) -> list[SettingFault]:
    """What is wrong with the values of a group."""
    try:
        read_settings(group)
    except ValidationError as error:
        return list_faults(error)
    return []


def list_faults(error: ValidationError) -> list[SettingFault]:
    """The wrong variables of a group."""
    return [
        SettingFault(
            str(fault["loc"][0]).upper() if fault["loc"] else "settings",
            fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors(include_input=False, include_context=False)
    ]


def list_unknown(known: Iterable[str]) -> list[str]:
    """The variables that have our prefix and are no setting."""
    names = {name for name in os.environ if name.upper().startswith(PREFIX)}
    return sorted(
        name for name in names if name.upper() not in known and not OTHER_NAMES.fullmatch(name)
    )


def explain_name(name: str, known: Iterable[str]) -> str:
    """Say that there is no such setting, and which one was probably meant."""
    nearest = get_close_matches(name.upper(), known, 1)
    return (
        f"there is no such setting; did you mean {nearest[0]}?"
        if nearest
        else ("there is no such setting; docs/reference/settings.md lists all")
    )


def build_error(faults: Iterable[SettingFault]) -> ValidationError:
    """One error with all faults."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError("setting", "{problem}", {"problem": fault.problem}),
            loc=(fault.variable,),
            input=None,
        )
        for fault in faults
    ]
    return ValidationError.from_exception_data("settings", lines, hide_input=True)


def load_other_groups() -> list[type[SettingsGroup]]:
    """Load the groups in ``tasks/<kind>/settings.py`` that are not declared yet.

    The files are loaded without their package: importing a kind needs valid settings.
    """
    declared = {group.__module__ for group in list_groups()}
    groups: list[type[SettingsGroup]] = []
    for path in sorted(KINDS_FOLDER.glob("*/settings.py")):
        name = f"tasks.{path.parent.name}.settings"
        if name not in declared:
            groups += load_groups(name, path)
    return groups


def load_groups(name: str, path: Path) -> list[type[SettingsGroup]]:
    """Load a file as a module of this name, which nobody can import. Returns its groups."""
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return []
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    own = (value for value in vars(module).values() if getattr(value, "__module__", "") == name)
    return [each for each in own if isinstance(each, type) and issubclass(each, SettingsGroup)]


@contextmanager
def exit_if_wrong(program: str) -> Iterator[None]:
    """Exit with ``EXIT_WRONG_SETTINGS`` and a line for each fault when settings are wrong."""
    try:
        yield
    except ValidationError as error:
        lines = list_faults(find_all_faults(error))
        sys.exit(refuse(program, *map(str, lines)))
    except ContinuoError as error:
        sys.exit(refuse(program, str(error)))


@contextmanager
def exit_if_wrong_under_celery() -> Iterator[None]:
    """``exit_if_wrong`` in the command ``celery``; elsewhere the error is raised."""
    if is_celery():
        with exit_if_wrong("celery"):
            yield
    else:
        yield


def run_program(program: str, main: Callable[[], int]) -> None:
    """Check all settings, run the main function of a program, and exit with its code.

    See ``exit_if_wrong``.
    """
    with exit_if_wrong(program):
        check_settings()
        sys.exit(main())


def find_all_faults(error: ValidationError) -> ValidationError:
    """The error of all groups, for that of the first one."""
    try:
        check_settings()
    except ValidationError as complete:
        return complete
    return error


def refuse(program: str, *lines: str) -> int:
    """Write to stderr why a program does not start. Returns the exit code."""
    for line in lines:
        sys.stderr.write(f"{program}: {line}\n")
    return EXIT_WRONG_SETTINGS


def is_celery() -> bool:
    """Whether this process is the command ``celery``, or ``python -m celery``."""
    program = Path(sys.argv[0])
    return "celery" in {program.name, program.parent.name}
