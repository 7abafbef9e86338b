"""Parses API keys: ``name/scope@tenant:key``. A scope has no colon: the first one ends it.

Only the SHA-256 of a key is stored. A key may also be given by its SHA-256.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SCOPES = frozenset({"submit", "read", "control", "admin", "metrics"})
"""What a key may do: order jobs; read records and lists; cancel and rerun jobs; manage the jobs of
all tenants; read the metrics of all tenants."""

KIND_SCOPE = "submit="
"""``submit=invoice``: order jobs of the kind ``invoice``, and no others."""

ANY_KIND = f"{KIND_SCOPE}*"
"""What a request needs that orders jobs of any kinds; each order needs the scope of its own."""

IS_KIND_SCOPE = re.compile(rf"{KIND_SCOPE}[\w.-]+").fullmatch

TENANT_SCOPES = SCOPES - {"admin", "metrics"}

MIN_KEY_CHARACTERS = 16
DIGEST_PREFIX = "sha256="
IS_DIGEST = re.compile(rf"{DIGEST_PREFIX}[0-9a-fA-F]{{64}}").fullmatch
"""With the digest of a key in the settings, reading them does not reveal the key."""

IS_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}").fullmatch


class ApiKey(NamedTuple):
    """The holder of an API key: its name, its scopes, and its tenant ("" for all tenants)."""

    name: str
    scopes: frozenset[str] = SCOPES
    tenant: str = ""

    def allows(self, scope: str) -> bool:
        """Whether the key has the scope; ``submit`` includes ``submit=KIND``."""
        if scope in self.scopes or scope.partition("=")[0] in self.scopes:
            return True
        return scope == ANY_KIND and any(each.startswith(KIND_SCOPE) for each in self.scopes)


ANONYMOUS = ApiKey("")
"""The caller when the API asks for no key."""

type ApiKeys = dict[bytes, ApiKey]
"""SHA-256 of a key -> its holder."""


def parse_api_keys(lines: Iterable[str], *, digests_only: bool = False) -> ApiKeys:
    """Parse keys, one per line. Raises ``ValueError``, which never contains a key."""
    return dict(parse_api_key(line, digests_only=digests_only) for line in lines)


def parse_key_file(text: str) -> ApiKeys:
    """Parse the text of a key file; skip empty lines and comments (#). Raises ``ValueError``."""
    lines = (line.strip() for line in text.splitlines())
    return parse_api_keys((line for line in lines if line and line[0] != "#"), digests_only=True)


def read_key_file(path: Path) -> ApiKeys:
    """Read the API keys in a file. Raises ``ValueError``."""
    try:
        return parse_key_file(path.read_text())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def parse_api_key(line: str, *, digests_only: bool = False) -> tuple[bytes, ApiKey]:
    """Parse one key into its digest and its holder. Raises ``ValueError``."""
    holder, _, key = line.partition(":")
    holder, at, tenant = holder.partition("@")
    name, *scopes = holder.split("/")
    if not name or len(key) < MIN_KEY_CHARACTERS:
        raise ValueError(
            f"each must be name:key, with a key of at least {MIN_KEY_CHARACTERS} characters"
        )
    if at and not IS_TENANT(tenant):
        raise ValueError("each may be name@tenant:key; a tenant has a to z, 0 to 9, - and _")
    allowed = TENANT_SCOPES if tenant else SCOPES
    if not all(scope in allowed or IS_KIND_SCOPE(scope) for scope in scopes):
        form = "name/scope@tenant:key" if tenant else "name/scope/scope:key"
        names = ", ".join([*sorted(allowed), f"{KIND_SCOPE}KIND"])
        raise ValueError(
            f"the key {name!r} has another scope; each may be {form}; the scopes are {names}"
        )
    return digest_of(key, digests_only=digests_only), ApiKey(
        name, frozenset(scopes) or allowed, tenant
    )


def digest_of(key: str, *, digests_only: bool = False) -> bytes:
    """Return the SHA-256 of a key that is given as text or as its digest. Raises ``ValueError``."""
    if IS_DIGEST(key):
        return bytes.fromhex(key.removeprefix(DIGEST_PREFIX))
    if digests_only or key.startswith(DIGEST_PREFIX):
        raise ValueError(f"a digest must be {DIGEST_PREFIX} and 64 hexadecimal digits")
    return hashlib.sha256(key.encode()).digest()
