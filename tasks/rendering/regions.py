"""The conventions of a reader: locale, currency and time zone, checked against known names."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from project.errors import InvalidField

if TYPE_CHECKING:
    from collections.abc import Callable

    from babel import Locale

MAX_NAME_CHARACTERS = 40
STRAIGHT_APOSTROPHE, APOSTROPHE = "'", "\N{RIGHT SINGLE QUOTATION MARK}"


class Region(Struct, frozen=True, forbid_unknown_fields=True):
    """How readers write numbers, money and dates; "" in a field means no convention.

    ``locale`` is a name such as ``de-CH``, ``currency`` a code such as ``EUR`` for the format
    ``money``, and ``zone`` a time zone such as ``Europe/Berlin`` for times with an offset.
    """

    locale: str = ""
    currency: str = ""
    zone: str = ""


def parse_locale(name: str) -> "Locale":
    """Return a locale by its name, such as ``de-CH``. Raises ``ValueError``.

    Babel loses straight apostrophes between digits, because they quote text in its patterns.
    """
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(name[:MAX_NAME_CHARACTERS].replace("_", "-"), sep="-")
    except (UnknownLocaleError, TypeError, ValueError):
        raise ValueError("must be the name of a locale, such as de, de-CH or pt-BR") from None
    for symbols in locale.number_symbols.values():
        if symbols.get("group") == STRAIGHT_APOSTROPHE:
            symbols["group"] = APOSTROPHE
    return locale


def check_region(region: Region) -> None:
    """Raise ``InvalidField`` for a field that is no name of a locale, a currency or a zone."""
    checks: dict[str, Callable[[str], object]] = {
        "locale": parse_locale,
        "currency": check_currency,
        "zone": check_zone,
    }
    for field, check in checks.items():
        if value := getattr(region, field):
            try:
                check(value)
            except ValueError as error:
                raise InvalidField(field, str(error)) from None


def check_currency(code: str) -> None:
    """Raise ``ValueError`` unless this is a code of ISO 4217."""
    from babel.numbers import list_currencies

    if code not in list_currencies():
        raise ValueError("must be the code of a currency, such as EUR or USD")


def check_zone(name: str) -> None:
    """Raise ``ValueError`` unless this is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone, such as UTC or Europe/Berlin") from None
