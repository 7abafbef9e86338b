"""How the Celery app finds its kinds of jobs and its settings."""

from typing import Any

from celery.app.utils import Settings as CelerySettings
from celery.loaders.app import AppLoader

from project.adoption import adopt, load_app
from project.settings.checks import check_settings, exit_if_wrong_under_celery
from project.settings.packages import get_package_settings


class KindLoader(AppLoader):
    """Imports the kinds of jobs, then checks all settings, theirs included."""

    has_adopted = False
    """Whether the tasks of the user's Celery app have been taken over."""

    def import_default_modules(self) -> Any:
        """Import the modules of ``tasks`` and of the user. Exits when a setting is wrong."""
        modules = super().import_default_modules()
        name = get_package_settings().app
        if name and not self.has_adopted:  # an unknown kind imports the modules again
            self.has_adopted = True
            adopt(self.app, load_app(name))
        with exit_if_wrong_under_celery():
            check_settings()
            self.app.finalize()  # typed kinds are checked here
        return modules

    def read_configuration(self, env: str = "") -> None:
        """Read nothing: ``CELERY_CONFIG_MODULE`` is for another app of the user's."""


class OwnSettings(CelerySettings):
    """Settings that ``CELERY_BROKER_URL`` and its like, meant for other apps, do not change."""

    @property
    def broker_url(self) -> Any:
        """The URL of the broker."""
        return self["broker_url"]

    broker_read_url = broker_write_url = broker_url

    @property
    def result_backend(self) -> Any:
        """The name of the result backend."""
        return self["result_backend"]
