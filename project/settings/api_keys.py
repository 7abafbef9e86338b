"""Who has an API key and what it opens, as it is written: ``name/scope@tenant:key``. Pure.

A key is known by its SHA-256 alone, and may be written as that.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SCOPES = frozenset({"submit", "read", "control", "admin", "metrics"})
"""What a key may open: orders; records and lists; cancelling and running again; what concerns
all jobs at once; the counts of all jobs at once."""

TENANT_SCOPES = SCOPES - {"admin", "metrics"}

MIN_KEY_CHARACTERS = 16
DIGEST_PREFIX = "sha256="
IS_DIGEST = re.compile(rf"{DIGEST_PREFIX}[0-9a-fA-F]{{64}}").fullmatch
"""A key may be given by its digest, so that whoever reads the settings does not have it."""

IS_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}").fullmatch


class ApiKey(NamedTuple):
    """Who has an API key, and what it opens: all jobs, or those of a ``tenant``."""

    name: str
    scopes: frozenset[str] = SCOPES
    tenant: str = ""


ANONYMOUS = ApiKey("")
"""Who calls when no key is asked for."""

type ApiKeys = dict[bytes, ApiKey]
"""SHA-256 of a key -> who has it."""


def parse_api_keys(lines: Iterable[str], *, digests_only: bool = False) -> ApiKeys:
    """Who has which key. Raises ``ValueError``, which repeats no key."""
    return dict(parse_api_key(line, digests_only=digests_only) for line in lines)


def parse_key_file(text: str) -> ApiKeys:
    """The same from the lines of a file: empty ones and those that begin with # say nothing."""
    lines = (line.strip() for line in text.splitlines())
    return parse_api_keys((line for line in lines if line and line[0] != "#"), digests_only=True)


def read_key_file(path: Path) -> ApiKeys:
    """Read the API keys in a file. Raises ``ValueError``."""
    try:
        return parse_key_file(path.read_text())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def parse_api_key(line: str, *, digests_only: bool = False) -> tuple[bytes, ApiKey]:
    """One key's digest and who has it. Raises ``ValueError``."""
    who, _, key = line.partition(":")
    who, at, tenant = who.partition("@")
    name, *scopes = who.split("/")
    if not name or len(key) < MIN_KEY_CHARACTERS:
        raise ValueError(f"each is name:key with a key of at least {MIN_KEY_CHARACTERS} characters")
    if at and not IS_TENANT(tenant):
        raise ValueError("each may be name@tenant:key, a tenant being of a to z, 0 to 9, - and _")
    allowed = TENANT_SCOPES if tenant else SCOPES
    if not allowed.issuperset(scopes):
        whose = "name/scope@tenant:key" if tenant else "name/scope/scope:key"
        raise ValueError(f"each may be {whose} with scopes of {', '.join(sorted(allowed))}")
    return digest_of(key, digests_only=digests_only), ApiKey(
        name, frozenset(scopes) or allowed, tenant
    )


def digest_of(key: str, *, digests_only: bool = False) -> bytes:
    """What a key is known by. Raises ``ValueError``."""
    if IS_DIGEST(key):
        return bytes.fromhex(key.removeprefix(DIGEST_PREFIX))
    if digests_only or key.startswith(DIGEST_PREFIX):
        raise ValueError(
            f"{DIGEST_PREFIX} is followed by the 64 hexadecimal digits of a key's digest"
        )
    return hashlib.sha256(key.encode()).digest()
