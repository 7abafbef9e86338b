"""Files attached to each mail of a mailing: files that jobs have made, named by their links."""

import mimetypes
from base64 import encodebytes
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, urlsplit

from project.artifacts import links as artifacts
from project.artifacts.links import Artifact, ArtifactGone
from project.errors import InvalidField, LinkRefused, PermanentError

MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_BYTES = 7_000_000
"""The limit for all attachments of a mail: encoded they take a third more, and 10 MB is common."""

_PART_TEMPLATE = """\
Content-Type: {kind}
Content-Transfer-Encoding: base64
Content-Disposition: attachment; {filename}

""".replace("\n", "\r\n")


def resolve_links(links: Sequence[str]) -> list[list[str]]:
    """The artifacts behind download links, each as key and name. Raises ``InvalidField``."""
    if len(links) > MAX_ATTACHMENTS:
        raise InvalidField(
            "attachments", f"has {len(links)} links, at most {MAX_ATTACHMENTS} allowed"
        )
    return [_resolve_link(link, place) for place, link in enumerate(links)]


def _resolve_link(link: str, place: int) -> list[str]:
    try:
        token = urlsplit(link).path.rpartition("/")[2]
        return list(artifacts.resolve_link(token))
    except (LinkRefused, ValueError) as refused:
        raise InvalidField(f"attachments[{place}]", f"is no download link: {refused}") from None


@lru_cache(maxsize=2)
def load_parts(files: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The files as MIME parts; a process reads the files of its last two mailings once.

    Raises ``PermanentError`` for a file that is gone, and for too many bytes.
    """
    contents = [_fetch_artifact(Artifact(*file)) for file in files]
    if sum(map(len, contents)) > MAX_ATTACHMENT_BYTES:
        raise PermanentError(f"the attachments have more than {MAX_ATTACHMENT_BYTES} bytes")
    return tuple(_build_part(name, data) for (_, name), data in zip(files, contents, strict=True))


def _fetch_artifact(artifact: Artifact) -> bytes:
    try:
        return artifacts.read_artifact(artifact, MAX_ATTACHMENT_BYTES + 1)
    except ArtifactGone as gone:
        raise PermanentError(f"an attachment is gone: {gone}") from gone


def _build_part(name: str, data: bytes) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    filename = f"filename*=utf-8''{quote(name, safe='')}"
    head = _PART_TEMPLATE.format(kind=kind, filename=filename)
    return head + encodebytes(data).decode("ascii").replace("\n", "\r\n")
