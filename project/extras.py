"""Parts of the platform that an installation can be without: ``bin/bootstrap runtime --without``.

A part is there when its packages are installed and ``CONTINUO_WITHOUT`` does not name it.
"""

from importlib.util import find_spec

from project.errors import ContinuoError
from project.settings.packages import EXTRAS, get_package_settings

KIND_MODULES = {"tasks.reports": "reports", "tasks.exports": "reports", "tasks.emails": "mail"}
"""The modules of kinds that belong to an extra."""


def has_extra(name: str) -> bool:
    """Whether an extra is installed and wanted. Raises ``ValidationError`` for wrong settings."""
    without = get_package_settings().without_extras
    return name not in without and all(find_spec(package) for package in EXTRAS[name])


def require_extra(name: str) -> None:
    """Raise ``ContinuoError`` when an extra is not there."""
    if not has_extra(name):
        raise ContinuoError(f"this needs the extra {name}, which is not installed")


def is_kind_installed(module: str) -> bool:
    """Whether what the kinds in this module need is there."""
    extra = KIND_MODULES.get(module)
    return extra is None or has_extra(extra)
