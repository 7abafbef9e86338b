"""Files that jobs make: written once under the hash of their content, fetched by signed links.

A retry or a second worker that makes the same bytes finds them there and does
nothing; a file is never seen half written. obstore does the writing: it must not
be used before a worker forks, so it is opened where it is first needed.
"""

import hashlib
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from project.errors import ContinuoError, LinkExpired, LinkTampered
from project.settings import settings

if TYPE_CHECKING:
    from obstore.store import LocalStore

SALT = "artifact"


class Artifact(NamedTuple):
    """What a link stands for: the key it is stored under, the name it is saved as."""

    key: str
    filename: str


class ArtifactGone(ContinuoError):
    """The link is good but the file is no longer kept."""


def keep(data: bytes, filename: str) -> Artifact:
    """Store ``data``; the same bytes are kept once, whoever brings them."""
    from obstore.exceptions import AlreadyExistsError

    suffix = PurePosixPath(filename).suffix
    artifact = Artifact(f"{hashlib.sha256(data).hexdigest()}{suffix}", filename)
    try:
        bucket().put(artifact.key, data, mode="create")
    except AlreadyExistsError:
        return artifact
    return artifact


def fetch(artifact: Artifact) -> bytes:
    """The bytes of an artifact. Raises ``ArtifactGone``."""
    try:
        return bytes(bucket().get(artifact.key).bytes())
    except FileNotFoundError:
        raise ArtifactGone(f"{artifact.filename} is no longer kept") from None


def link(artifact: Artifact) -> str:
    """A URL that fetches the artifact for ``CONTINUO_LINK_SECONDS``."""
    return f"{settings().base_url}/artifacts/{signer().dumps(list(artifact))}"


def resolve(token: str) -> Artifact:
    """The artifact behind the last part of a link. Raises ``LinkTampered`` or ``LinkExpired``."""
    try:
        key, filename = signer().loads(token, max_age=settings().link_seconds)
    except SignatureExpired:
        raise LinkExpired("this link has expired: order the job again for a new one") from None
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None
    return Artifact(key, filename)


def signer() -> URLSafeTimedSerializer:
    """Signs and checks links with the secret of this installation."""
    return URLSafeTimedSerializer(settings().signing_key, salt=SALT)


@lru_cache
def bucket() -> "LocalStore":
    """Where artifacts are kept, opened once per process."""
    from obstore.store import LocalStore

    return LocalStore(settings().data_dir / "artifacts", mkdir=True)
