"""Who is calling: API keys, by ``X-API-Key`` or ``Authorization: Bearer``."""

import logging
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Protocol

from api.http.problems import Problem
from project.settings.api_keys import ANONYMOUS, ApiKey, ApiKeys

CHECK_INTERVAL_SECONDS = 1.0
"""Seconds between two looks at the file of keys."""

REALM = 'Bearer realm="continuo"'
_BEARER = "bearer "
_log = logging.getLogger("api")


class HeaderSource(Protocol):
    """The part of a Cello request that a key is read from."""

    def get_header(self, key: str, /) -> str | None:
        """The header's value, whatever the case of its name."""


class KeyFile:
    """The file of keys, looked at now and then. ``read`` gives all keys that there are."""

    def __init__(self, path: Path, read: Callable[[], ApiKeys]) -> None:
        self._path = path
        self._read = read
        self._version = self._seen()
        self._check_at = 0.0

    def read_if_changed(self) -> ApiKeys | None:
        """The keys when they have changed; a file that makes no sense changes nothing."""
        if monotonic() < self._check_at:
            return None
        self._check_at = monotonic() + CHECK_INTERVAL_SECONDS
        version = self._seen()
        if version == self._version:
            return None
        self._version = version
        try:
            return self._read()
        except ValueError as problem:
            _log.error("API keys stay as they were: %s", problem)
            return None

    def _seen(self) -> tuple[int, ...]:
        try:
            about = self._path.stat()
        except OSError:
            return ()
        return about.st_mtime_ns, about.st_size, about.st_ino


class Keyring:
    """The keys that open the API. ``holders``: SHA-256 of a key -> who has it.

    A key is found by its digest, so how long a comparison takes says nothing
    about a key: whoever guesses cannot choose the digest.
    """

    def __init__(self, holders: ApiKeys, file: KeyFile | None = None) -> None:
        self._holders = holders
        self._file = file

    def identify(self, source: HeaderSource, scope: str) -> ApiKey:
        """Who is calling; nobody in particular when no key is asked for.

        Raises ``Problem`` 401 for a stranger, 403 for one whose key does not have the ``scope``.
        """
        if self._file:
            news = self._file.read_if_changed()
            self._holders = self._holders if news is None else news
        elif not self._holders:
            return ANONYMOUS
        key = _read_key(source)
        holder = self._holders.get(sha256(key.encode()).digest())
        if holder is None:
            raise _build_unauthorized(key)
        if scope not in holder.scopes:
            raise _build_forbidden(scope)
        return holder


def _read_key(source: HeaderSource) -> str:
    if key := source.get_header("x-api-key"):
        return key
    authorization = source.get_header("authorization") or ""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return ""
    return authorization[len(_BEARER) :].strip()


def _build_unauthorized(key: str) -> Problem:
    detail = (
        "The API key is not known"
        if key
        else "An API key is needed: send it as X-API-Key or as Authorization: Bearer"
    )
    error = ', error="invalid_token"' if key else ""
    return Problem(401, detail, headers={"WWW-Authenticate": REALM + error})


def _build_forbidden(scope: str) -> Problem:
    asked = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    detail = f"This API key does not have the scope {scope}"
    return Problem(403, detail, headers={"WWW-Authenticate": asked})
