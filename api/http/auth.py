"""Authentication by API key, in ``X-API-Key`` or ``Authorization: Bearer``.

A browser that opens a page by itself sends neither, so pages also take the key as the password of
HTTP Basic.
"""

import binascii
import logging
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Protocol

from api.http.problems import Problem
from project.settings.api_keys import ANONYMOUS, ApiKey, ApiKeys

CHECK_INTERVAL_SECONDS = 1.0
"""Seconds between two checks of the key file."""

REALM = 'Bearer realm="continuo"'
PAGE_REALM = 'Basic realm="continuo: the API key is the password"'
_BEARER, _BASIC = "bearer ", "basic "
_log = logging.getLogger("api")


class HeaderSource(Protocol):
    """The method of a Cello request that a key is read with."""

    def get_header(self, key: str, /) -> str | None:
        """The value of a header, in any case of its name."""


class KeyFile:
    """The key file, checked for changes. ``read`` returns all keys, those of the settings too."""

    def __init__(self, path: Path, read: Callable[[], ApiKeys]) -> None:
        self._path = path
        self._read = read
        self._version = self._seen()
        self._check_at = 0.0

    def read_if_changed(self) -> ApiKeys | None:
        """The keys if the file has changed, else None; an invalid file is logged and ignored."""
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
            _log.error("key file not loaded, the old API keys stay in force: %s", problem)
            return None

    def _seen(self) -> tuple[int, ...]:
        try:
            about = self._path.stat()
        except OSError:
            return ()
        return about.st_mtime_ns, about.st_size, about.st_ino


class Keyring:
    """The API keys in force; ``keys`` is SHA-256 of a key -> what it opens.

    A key is looked up by its digest, so timing reveals nothing about a key.
    """

    def __init__(self, keys: ApiKeys, file: KeyFile | None = None) -> None:
        self._keys = keys
        self._file = file

    @property
    def is_required(self) -> bool:
        """Whether requests need a key. A key file may be empty now and have keys later."""
        return self._file is not None or bool(self._keys)

    def identify(self, source: HeaderSource, scope: str, *, is_page: bool = False) -> ApiKey:
        """The key of a request; ``ANONYMOUS`` when no keys are set up.

        A page (``is_page``) makes a browser ask for the key.

        Raises ``Problem`` 401 for a missing or unknown key, 403 for one without the ``scope``.
        """
        if self._file:
            changed = self._file.read_if_changed()
            self._keys = self._keys if changed is None else changed
        elif not self._keys:
            return ANONYMOUS
        sent = _read_key(source) or (_read_password(source) if is_page else "")
        api_key = self._keys.get(sha256(sent.encode()).digest())
        if api_key is None:
            raise _build_unauthorized(sent, is_page=is_page)
        if not api_key.allows(scope):
            raise build_forbidden(scope)
        return api_key


def _read_key(source: HeaderSource) -> str:
    if key := source.get_header("x-api-key"):
        return key
    authorization = source.get_header("authorization") or ""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return ""
    return authorization[len(_BEARER) :].strip()


def _read_password(source: HeaderSource) -> str:
    """The password of HTTP Basic; "" when there is none."""
    authorization = source.get_header("authorization") or ""
    if authorization[: len(_BASIC)].lower() != _BASIC:
        return ""
    try:
        return b64decode(authorization[len(_BASIC) :], validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _build_unauthorized(key: str, *, is_page: bool) -> Problem:
    detail = (
        "The API key is not known"
        if key
        else "An API key is needed: send it as X-API-Key or as Authorization: Bearer"
    )
    error = ', error="invalid_token"' if key else ""
    challenge = PAGE_REALM if is_page else REALM + error
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def build_forbidden(scope: str) -> Problem:
    """403 for a key without the scope."""
    scope = scope.removesuffix("=*")
    asked = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    detail = f"This API key does not have the scope {scope}"
    return Problem(403, detail, headers={"WWW-Authenticate": asked})
