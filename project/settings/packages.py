"""Where the user keeps jobs beside this checkout."""

import re

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings, split_list

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

    @property
    def task_modules(self) -> list[str]:
        """The modules and packages of the user that declare jobs."""
        return split_list(self.tasks)


def get_package_settings() -> PackageSettings:
    """The packages of the user. Raises ``ValidationError``."""
    return read_settings(PackageSettings)
