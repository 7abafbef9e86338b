"""Zips several files; equal files give an equal zip."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

COMPRESSED_SUFFIXES = {".pdf", ".xlsx", ".parquet"}
"""Files with these suffixes are stored: they are compressed already."""


def zip_files(files: Sequence[Path], target: Path) -> Path:
    """Zip the files into ``target``, under their names and without timestamps."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            info = zipfile.ZipInfo(file.name)
            is_compressed = file.suffix in COMPRESSED_SUFFIXES
            info.compress_type = zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.file_size = (
                file.stat().st_size
            )  # zipfile must know of a file over 4 GB before it writes
            with file.open("rb") as content, archive.open(info, "w") as entry:
                shutil.copyfileobj(content, entry, 1 << 20)
    return target
