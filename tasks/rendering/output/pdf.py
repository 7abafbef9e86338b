"""Typst: the filled page becomes a PDF in the house style, or in the type's own."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

HOUSE = Path(__file__).resolve().parent
FONTS = HOUSE / "fonts"
TEMPLATE = "report.typ"
LAYOUT = ("*.typ", "*.svg", "*.png", "*.jpg")
"""Files of a type's folder that its template may use."""
THREADS = "2"
"""Typst would take one per core, in every press at once."""
EPOCH = 315_532_800
"""1980-01-01: the date of a document that has to have one, always the same."""


class WrongTemplate(Exception):
    """Typst warns about the template: a font is missing, or something does not fit."""


class Attachment(NamedTuple):
    """A file that a PDF carries along."""

    name: str
    text: str


def typeset(
    page: dict[str, Any], home: Path, folder: Path, attached: Attachment | None, archival: bool
) -> bytes:
    """The PDF, tagged for screen readers; ``archival``: PDF/A-3a. The same page, the same bytes.

    No PDF/UA: Typst would refuse a page with a character Inter does not have.
    """
    os.environ["RAYON_NUM_THREADS"] = THREADS
    import typst

    root = _laid_out(home, folder / "layout")
    compiler = typst.Compiler(
        root / TEMPLATE,
        root=root,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[FONTS]),
        sys_inputs={
            "page": json.dumps(page | {"archival": archival}),
            "attached": attached.text if attached else "",
        },
    )
    pdf, warnings = compiler.compile_with_warnings(
        format="pdf", timestamp=EPOCH, pdf_standards=["a-3a"] if archival else []
    )
    if warnings or not isinstance(pdf, bytes):
        raise WrongTemplate("; ".join(warning.message for warning in warnings))
    return pdf


def counted(pdf: bytes) -> int:
    """How many pages a PDF of Typst's has: what the root of its page tree says."""
    root = re.search(rb"/Type/Pages\s*/Count (\d+)", pdf)
    return int(root[1]) if root else 0


def _laid_out(home: Path, root: Path) -> Path:
    """A folder with the house's templates and the type's own, which wins; all Typst can read."""
    root.mkdir()
    for place in (HOUSE, home):
        for pattern in LAYOUT:
            for file in place.glob(pattern):
                shutil.copyfile(file, root / file.name)
    return root
