"""Typst: the filled page becomes a PDF in the house style."""

import json
import os
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
TEMPLATE = HOUSE / "house.typ"
FONTS = HOUSE / "fonts"
THREADS = "2"
"""Typst would take one per core, in every press at once."""


class WrongTemplate(Exception):
    """Typst warns about the template: a font is missing, or something does not fit."""


def typeset(page: dict[str, Any]) -> bytes:
    """The PDF, tagged for screen readers. The same page gives the same bytes.

    No PDF/UA: Typst would refuse a page with a character Inter does not have.
    """
    os.environ["RAYON_NUM_THREADS"] = THREADS
    import typst

    compiler = typst.Compiler(
        TEMPLATE,
        root=HOUSE,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[FONTS]),
        sys_inputs={"page": json.dumps(page)},
    )
    pdf, warnings = compiler.compile_with_warnings(format="pdf", timestamp=0)
    if warnings or not isinstance(pdf, bytes):
        raise WrongTemplate("; ".join(warning.message for warning in warnings))
    return pdf
