"""A folder of brands: one for all, and one of the tenant ``acme`` with a logo."""

from base64 import b64decode
from pathlib import Path

LOGO = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
COMMON = """\
name = "Nordlicht & Co"
color = "#1f5fa8"
dark = "#12304f"
footer = "Nordlicht, 24103 Kiel"
"""
ACME = """\
name = "ACME"
logo = "logo.png"
color = "#0b8f6f"
"""


def write_brands(folder: Path) -> Path:
    """Write the brands into the folder, which is made."""
    (folder / "acme").mkdir(parents=True)
    (folder / "brand.toml").write_text(COMMON)
    (folder / "acme" / "brand.toml").write_text(ACME)
    (folder / "acme" / "logo.png").write_bytes(LOGO)
    return folder
