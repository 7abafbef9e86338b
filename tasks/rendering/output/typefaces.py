"""Chooses the fonts of a PDF by the characters in it: Inter, and Noto for what Inter lacks.

Fonts of the machine are not used, so a report looks the same everywhere.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from tasks.rendering.output.font_characters import read_characters

INTER_FOLDER = Path(__file__).resolve().parent / "fonts"
INTER = "Inter"
MAX_LISTED = 10
INVISIBLE = frozenset("\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff")
"""Characters that need no glyph of their own."""
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HAS_KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff]").search
_HAS_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]").search


class Typefaces(NamedTuple):
    """The ``folders`` with fonts, the ``families`` in the order of their use.

    ``missing`` has the characters that none of them has, in their order in Unicode.
    """

    folders: list[Path]
    families: list[str]
    missing: list[str]


def choose_typefaces(text: str) -> Typefaces:
    """Choose as few fonts as the characters of ``text`` need."""
    missing = set(text) - INVISIBLE - read_characters(INTER_FOLDER / "Inter-Regular.otf")
    folders, families = [INTER_FOLDER], [INTER]
    for family, file in _list_fallbacks(text):
        if not missing:
            break
        if found := missing & read_characters(file):
            missing -= found
            families.append(family)
            if file.parent not in folders:
                folders.append(file.parent)
    return Typefaces(folders, families, sorted(missing))


def describe_missing(characters: list[str]) -> list[str]:
    """Return a warning with the characters that have no glyph; [] without any."""
    if not characters:
        return []
    listed = ", ".join(f"{each} (U+{ord(each):04X})" for each in characters[:MAX_LISTED])
    more = f" and {len(characters) - MAX_LISTED:,} more" if len(characters) > MAX_LISTED else ""
    return [f"The fonts of the PDF lack {listed}{more}; it shows boxes instead"]


def _list_fallbacks(text: str) -> Iterator[tuple[str, Path]]:
    """Yield family and file of Noto's fonts, the one for Chinese, Japanese and Korean last."""
    folder = Path(str(files("manimgx_fonts")))
    for file in sorted(folder.glob("*[[]wght[]].ttf")):
        name = file.name.partition("[")[0]
        if not name.endswith("-Italic"):
            yield _WORD_START.sub(" ", name), file
    yield _choose_han_family(text), Path(str(files("manimgx_fonts_cjk"))) / "NotoSansCJK-VF.otf.ttc"


def _choose_han_family(text: str) -> str:
    """Return the family whose shapes of Chinese characters fit: Japanese, Korean or simplified."""
    if _HAS_KANA(text):
        return "Noto Sans CJK JP"
    return "Noto Sans CJK KR" if _HAS_HANGUL(text) else "Noto Sans CJK SC"
