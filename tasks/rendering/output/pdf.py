"""Typst: the filled page becomes a PDF in the house style, or in the type's own."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

TEMPLATES_FOLDER = Path(__file__).resolve().parent
FONTS_FOLDER = TEMPLATES_FOLDER / "fonts"
TEMPLATE = "report.typ"
LAYOUT_PATTERNS = ("*.typ", "*.svg", "*.png", "*.jpg")
"""Files of a type's folder that its template may use."""
TYPST_THREADS = "2"
"""Typst would take one per core, in every press at once."""
EPOCH_SECONDS = 315_532_800
"""1980-01-01: the date of a document that has to have one, always the same."""


class InvalidTemplate(Exception):
    """Typst warns about the template: a font is missing, or something does not fit."""


class PdfAttachment(NamedTuple):
    """A file that a PDF carries along."""

    name: str
    text: str


def render_pdf(
    page: dict[str, Any], home: Path, folder: Path, attached: PdfAttachment | None, archival: bool
) -> bytes:
    """The PDF, tagged for screen readers; ``archival``: PDF/A-3a. The same page, the same bytes.

    No PDF/UA: Typst would refuse a page with a character Inter does not have.
    """
    os.environ["RAYON_NUM_THREADS"] = TYPST_THREADS
    import typst

    root = _build_layout(home, folder / "layout")
    compiler = typst.Compiler(
        root / TEMPLATE,
        root=root,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[FONTS_FOLDER]),
        sys_inputs={
            "page": json.dumps(page | {"archival": archival}),
            "attached": attached.text if attached else "",
        },
    )
    pdf, warnings = compiler.compile_with_warnings(
        format="pdf", timestamp=EPOCH_SECONDS, pdf_standards=["a-3a"] if archival else []
    )
    if warnings or not isinstance(pdf, bytes):
        raise InvalidTemplate("; ".join(warning.message for warning in warnings))
    return pdf


def count_pages(pdf: bytes) -> int:
    """How many pages a PDF of Typst's has: what the root of its page tree says."""
    root = re.search(rb"/Type/Pages\s*/Count (\d+)", pdf)
    return int(root[1]) if root else 0


def _build_layout(home: Path, root: Path) -> Path:
    """A folder with the house's templates and the type's own, which wins; all Typst can read."""
    root.mkdir()
    for place in (TEMPLATES_FOLDER, home):
        for pattern in LAYOUT_PATTERNS:
            for file in place.glob(pattern):
                shutil.copyfile(file, root / file.name)
    return root
