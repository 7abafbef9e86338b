"""Secrets that the platform makes itself and keeps in files."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

MIN_SECRET_CHARACTERS = 16
"""A shorter secret can be guessed."""


def read_or_create_secret(path: Path, generate: Callable[[], str] = secrets.token_urlsafe) -> str:
    """Return the secret in ``path``; create the file first if it is missing.

    Only the owner can read the file (mode 0600). Processes and threads that create it at the
    same time all get the same secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(generate())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text()
