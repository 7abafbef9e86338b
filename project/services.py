"""The services that the platform and its kinds need; ``python -m project.check`` tries them.

A kind declares a service where it is imported::

    declare_service("mail", "tasks.emails.delivery.server:check_mail_server")

The function returns a line about the service, "" when the settings do not ask for it, and raises
an error, whose text has no secret, when something is wrong.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_declared: dict[str, str] = {}


class ServiceFault(Exception):
    """A service cannot be used as it is; the text says why, and what to do."""


def declare_service(name: str, function: str) -> None:
    """Declare a service; ``function`` is ``module:function``, imported when it is tried."""
    _declared[name] = function


def list_services() -> list[str]:
    """The names of all declared services, in the order of their declaration."""
    return list(_declared)


def try_service(name: str) -> str:
    """Try a service. Returns what its function returns; raises what that raises."""
    module, _, function = _declared[name].partition(":")
    check: Callable[[], str] = getattr(import_module(module), function)
    return check()
