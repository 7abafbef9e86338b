"""The brand of mails: its name and footer, its logo as a part of the mail, and its colours.

Mail programs compute no colours, so those for a dark screen are computed here.
"""

import mimetypes
from base64 import b64encode, encodebytes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.rendering.brands import Brand, load_brands
from tasks.rendering.settings import get_rendering_settings

LOGO_ID = "brand-logo"
LOGO_URL = f"cid:{LOGO_ID}"
"""The address of the logo in the HTML of a mail (RFC 2392)."""

LOGO_TYPES = frozenset({".png", ".jpg"})
"""Mail programs show no SVG."""

MAX_LOGO_BYTES = 100_000
"""Each mail carries the logo, so a larger one is left out."""

MIN_CONTRAST = 4.5
"""The contrast of text, as WCAG asks."""

MIX_STEPS = 20
WHITE, INK, DARK_CARD = "#ffffff", "#1d120a", "#211c18"


@dataclass(frozen=True)
class MailBrand:
    """What templates get as ``brand``.

    ``logo`` is the address of the image in the mail, "" for none. ``button`` is the ground and
    ``button_ink`` the text of a button, ``mark`` and ``mark_ink`` those of the numbers of steps;
    the same with ``dark_`` on a dark screen. ``has_bars`` is whether to show the bars of Continuo.
    """

    name: str
    footer: str = ""
    logo: str = ""
    button: str = "#8a4720"
    button_ink: str = WHITE
    mark: str = "#f7e6d8"
    mark_ink: str = "#8a4720"
    dark_button: str = "#e39a68"
    dark_button_ink: str = INK
    dark_mark: str = "#3a2a20"
    dark_mark_ink: str = "#f0b58b"
    has_bars: bool = False


HOUSE = MailBrand("Continuo", has_bars=True)
"""The brand when BRANDS_DIR has none."""


def get_mail_brand(tenant: str = "") -> MailBrand:
    """The brand of a tenant; that for all when the tenant has none of its own."""
    return _build_mail_brand(get_rendering_settings().brands_dir, tenant)


def load_logo_part(tenant: str) -> str:
    """The logo as a MIME part; "" when the brand has none for mails."""
    return _build_logo_part(find_logo(find_brand(get_rendering_settings().brands_dir, tenant)))


def build_logo_data_url(tenant: str) -> str:
    """The logo as a ``data:`` URL, for a mail that is shown and not sent; "" for none."""
    logo = find_logo(find_brand(get_rendering_settings().brands_dir, tenant))
    if not logo:
        return ""
    kind = mimetypes.guess_type(logo)[0]
    return f"data:{kind};base64,{b64encode(Path(logo).read_bytes()).decode('ascii')}"


def find_brand(folder: str, tenant: str) -> Brand | None:
    """The brand in the folder; None when there is none for the tenant nor for all."""
    brands = load_brands(folder) if folder else {}
    return brands.get(tenant) or brands.get("")


def find_logo(brand: Brand | None) -> str:
    """The path of a logo that mails can carry; "" for none."""
    logo = Path(brand.logo) if brand and brand.logo else None
    if logo is None or logo.suffix not in LOGO_TYPES or logo.stat().st_size > MAX_LOGO_BYTES:
        return ""
    return str(logo)


def mix(color: str, other: str, share: float) -> str:
    """A colour with a share of another one, from 0 to 1."""
    pairs = zip(_parse_color(color), _parse_color(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def compute_contrast(color: str, ground: str) -> float:
    """The contrast of two colours as WCAG defines it, from 1 to 21."""
    low, high = sorted((_compute_luminance(color), _compute_luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def reach_contrast(color: str, ground: str, toward: str) -> str:
    """The colour, mixed with ``toward`` until it can be read on the ground."""
    shares = (step / MIX_STEPS for step in range(MIX_STEPS + 1))
    mixed = (mix(color, toward, share) for share in shares)
    return next((one for one in mixed if compute_contrast(one, ground) >= MIN_CONTRAST), toward)


def choose_ink(ground: str) -> str:
    """Light or dark text, whichever can be read better on the ground."""
    return max(WHITE, INK, key=lambda ink: compute_contrast(ink, ground))


@cache
def _build_mail_brand(folder: str, tenant: str) -> MailBrand:
    brand = find_brand(folder, tenant)
    if brand is None:
        return HOUSE
    mark, dark_mark = mix(brand.color, WHITE, 0.88), mix(brand.color, DARK_CARD, 0.75)
    dark_button = reach_contrast(brand.color, DARK_CARD, WHITE)
    return MailBrand(
        name=brand.name,
        footer=brand.footer,
        logo=LOGO_URL if find_logo(brand) else "",
        button=brand.dark,
        button_ink=choose_ink(brand.dark),
        mark=mark,
        mark_ink=reach_contrast(brand.color, mark, INK),
        dark_button=dark_button,
        dark_button_ink=choose_ink(dark_button),
        dark_mark=dark_mark,
        dark_mark_ink=reach_contrast(brand.color, dark_mark, WHITE),
    )


@cache
def _build_logo_part(logo: str) -> str:
    if not logo:
        return ""
    kind = mimetypes.guess_type(logo)[0]
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{LOGO_ID}>\r\nContent-Disposition: inline\r\n\r\n"
    )
    return head + encodebytes(Path(logo).read_bytes()).decode("ascii").replace("\n", "\r\n")


def _parse_color(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def _compute_luminance(color: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in (byte / 255 for byte in _parse_color(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
