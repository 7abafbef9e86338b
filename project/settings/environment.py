"""The environment of processes that this one starts."""

import os


def copy_environment() -> dict[str, str]:
    """Copy the environment of this process, to change it for a child."""
    return dict(os.environ)
