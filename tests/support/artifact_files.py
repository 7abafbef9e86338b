"""Files that a test stores as artifacts."""

import uuid
from pathlib import Path

from project.artifacts import links
from project.artifacts.links import Artifact
from project.settings.values import get_settings


def make_file(folder: Path, content: bytes | None = None) -> Path:
    """A file; without ``content`` one that no other test keeps."""
    file = folder / uuid.uuid4().hex
    file.write_bytes(uuid.uuid4().bytes if content is None else content)
    return file


def path_of(artifact: Artifact) -> Path:
    return get_settings().data_dir / "artifacts" / artifact.key


def token_of(artifact: Artifact) -> str:
    return links.build_link(artifact).rpartition("/")[2]
