"""The brand of reports: a name, a logo, two colours and a footer, for all or for a tenant.

``BRANDS_DIR`` has a ``brand.toml`` for all, and a folder with one for each tenant with a brand of
its own. A logo is a file beside it.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

FILE = "brand.toml"
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
MAX_LOGO_BYTES = 500_000

type Color = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]


class Brand(Struct, frozen=True, forbid_unknown_fields=True):
    """A brand: ``color`` is for lines and charts on white, ``dark`` for the ground of white text.

    ``logo`` is the path of an image, "" means that the name stands in its place. ``footer`` is a
    line at the foot of each page.
    """

    name: Annotated[str, Meta(min_length=1, max_length=60)] = "Continuo"
    logo: str = ""
    color: Color = "#1f5fa8"
    dark: Color = "#12304f"
    footer: Annotated[str, Meta(max_length=200)] = ""


def find_brand(folder: str, tenant: str) -> Brand:
    """Return the brand of a tenant, "" means none; read once per process.

    Raises ``ValueError`` for an invalid brand.
    """
    brands = load_brands(folder) if folder else {}
    return brands.get(tenant) or brands.get("") or Brand()


@lru_cache
def load_brands(folder: str) -> Mapping[str, Brand]:
    """Return the brands of a folder by tenant; that for all is "".

    A tenant's brand has the values for all where it names none. Raises ``ValueError``, which
    names the file.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ValueError("must be a folder of brands that exists and can be read")
    common = _read_brand(place, {}) if (place / FILE).is_file() else {}
    tables = {"": common} | {
        path.parent.name: _read_brand(path.parent, common)
        for path in sorted(place.glob(f"*/{FILE}"))
    }
    return {tenant: msgspec.convert(table, Brand) for tenant, table in tables.items()}


def _read_brand(folder: Path, common: Mapping[str, str]) -> dict[str, str]:
    try:
        table = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
        brand = msgspec.convert(table, Brand)
        if brand.logo:
            table["logo"] = str(_check_logo(folder, brand.logo))
    except (OSError, ValueError) as error:  # errors of TOML and of msgspec are ValueErrors
        raise ValueError(f"{folder.name}/{FILE}: {error}") from error
    return {**common, **table}


def _check_logo(folder: Path, name: str) -> Path:
    path = folder / name
    if Path(name).name != name or path.suffix not in LOGO_TYPES or not path.is_file():
        raise ValueError(f"logo: must be a file of {', '.join(LOGO_TYPES)} in the same folder")
    if path.stat().st_size > MAX_LOGO_BYTES:
        raise ValueError(f"logo: must have at most {MAX_LOGO_BYTES:,} bytes")
    return path.resolve()
