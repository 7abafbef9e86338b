"""The environment of processes that this one starts."""

import os


def copy_environment() -> dict[str, str]:
    """Copy the environment of this process, to change it for a child."""
    return dict(os.environ)


def set_variables(values: dict[str, str]) -> None:
    """Set variables of this process, before anything reads the settings."""
    os.environ.update(values)
