"""Who is calling: API keys, by ``X-API-Key`` or ``Authorization: Bearer``."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from api.problems import Problem
from project.settings import Holder

_BEARER = "bearer "


class HeaderSource(Protocol):
    """The part of a Cello request that a key is read from."""

    def get_header(self, key: str, /) -> str | None:
        """The header's value, whatever the case of its name."""


class Keyring:
    """The keys that open the API. ``holders``: SHA-256 of a key -> who has it.

    A key is found by its digest, so how long a comparison takes says nothing
    about a key: whoever guesses cannot choose the digest.
    """

    def __init__(self, holders: Mapping[bytes, Holder]) -> None:
        self._holders = holders

    def identify(self, source: HeaderSource, scope: str) -> str:
        """The name of the caller, "" when no key is asked for.

        Raises ``Problem`` 401 for a stranger, 403 for one whose key does not have the ``scope``.
        """
        if not self._holders:
            return ""
        key = _key(source)
        holder = self._holders.get(sha256(key.encode()).digest())
        if holder is None:
            raise _unauthorized(key)
        if scope not in holder.scopes:
            raise Problem(403, f"This API key does not have the scope {scope}")
        return holder.name


def _key(source: HeaderSource) -> str:
    if key := source.get_header("x-api-key"):
        return key
    authorization = source.get_header("authorization") or ""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return ""
    return authorization[len(_BEARER) :].strip()


def _unauthorized(key: str) -> Problem:
    detail = (
        "The API key is not known"
        if key
        else "An API key is needed: send it as X-API-Key or as Authorization: Bearer"
    )
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="continuo"'})
