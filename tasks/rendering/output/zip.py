"""Several files in one: a zip, the same one for the same files."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

COMPRESSED_SUFFIXES = {".pdf", ".xlsx", ".parquet"}
"""Endings of files that do not get smaller."""


def zip_files(files: Sequence[Path], target: Path) -> Path:
    """Put the files into ``target``, under their names and without a time."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            about = zipfile.ZipInfo(file.name)
            is_packed = file.suffix in COMPRESSED_SUFFIXES
            about.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            about.file_size = file.stat().st_size  # tells a large one from the start
            with file.open("rb") as content, archive.open(about, "w") as entry:
                shutil.copyfileobj(content, entry, 1 << 20)
    return target
