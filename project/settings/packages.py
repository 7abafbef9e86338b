"""Where the user keeps jobs beside this checkout."""

import re

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings, split_list

EXTRAS = {
    "reports": ("duckdb", "typst", "babel"),
    "mail": ("mrml", "css_inline", "email_validator"),
    "docs": ("swagger_ui",),
    "buckets": ("obstore",),
    "flower": ("flower",),
    "outbox": ("psycopg",),
}
"""The parts that an installation can be without, and the packages that show whether it is."""

IS_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*").fullmatch


class PackageSettings(SettingsGroup):
    """The packages and the Celery app of the user."""

    tasks: str = Field(
        "",
        validation_alias="CONTINUO_TASKS",
        description="Your own modules and packages with jobs, separated by commas.",
    )
    app: str = Field(
        "",
        validation_alias="CONTINUO_APP",
        description="A Celery app of your own, as package.module:app, whose tasks become jobs.",
    )

    without: str = Field(
        "",
        validation_alias="CONTINUO_WITHOUT",
        description="Extras to do without, of reports, mail, docs, buckets, flower and outbox,"
        " separated by commas: their kinds and routes are not there.",
    )

    @field_validator("tasks")
    @classmethod
    def _are_modules(cls, text: str) -> str:
        for name in split_list(text):
            if not IS_MODULE(name):
                raise ValueError(f"{name!r} is not the name of a module, such as acme.jobs")
        return text

    @field_validator("app")
    @classmethod
    def _is_an_app(cls, name: str) -> str:
        module, colon, variable = name.partition(":")
        if name and not (colon and IS_MODULE(module) and variable.isidentifier()):
            raise ValueError("must be package.module:app")
        return name

    @field_validator("without")
    @classmethod
    def _are_extras(cls, text: str) -> str:
        for name in split_list(text):
            if name not in EXTRAS:
                raise ValueError(f"{name!r} is not an extra; allowed: {', '.join(EXTRAS)}")
        return text

    @property
    def without_extras(self) -> list[str]:
        """The extras to do without."""
        return split_list(self.without)

    @property
    def task_modules(self) -> list[str]:
        """The modules and packages of the user that declare jobs."""
        return split_list(self.tasks)


def get_package_settings() -> PackageSettings:
    """The packages of the user. Raises ``ValidationError``."""
    return read_settings(PackageSettings)
