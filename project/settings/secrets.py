"""Secrets that the platform makes itself and keeps in files."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from project.errors import ContinuoError

MIN_SECRET_CHARACTERS = 16
"""A shorter secret can be guessed."""


def read_or_create_secret(path: Path, generate: Callable[[], str] = secrets.token_urlsafe) -> str:
    """Return the secret in ``path``; create the file first if it is missing.

    Only the owner can read the file (mode 0600). Processes and threads that create it at the
    same time all get the same secret, and it is on disk before it gets its name. Raises
    ``ContinuoError`` when the file cannot be read or written, or has too short a secret.
    """
    try:
        if not path.exists():
            create_secret(path, generate())
        secret = path.read_text().strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ContinuoError(f"{path} cannot be used as the file of a secret: {reason}") from None
    if len(secret) < MIN_SECRET_CHARACTERS:
        raise ContinuoError(
            f"{path} has fewer than {MIN_SECRET_CHARACTERS} characters, so links could be forged: "
            "remove the file, then a new secret is made and older links end"
        )
    return secret


def create_secret(path: Path, secret: str) -> None:
    """Write a new file with a secret, unless another process is faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    try:
        with draft.open("w") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Flush the entries of a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
