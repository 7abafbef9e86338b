"""Formats values by the conventions of a locale, with the data of Unicode's CLDR in Babel."""

import math
from datetime import date, datetime
from decimal import localcontext

from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from tasks.rendering.definitions.schema import Format
from tasks.rendering.output.formats import Number, ValueFormatter
from tasks.rendering.regions import Region, parse_locale

DEFAULT_LOCALE = "en"
DECIMALS: dict[Format, str] = {
    "integer": "",
    "decimal": ".0",
    "money": ".00",
    "percent": ".0",
    "change": ".0",
}
MAX_NAMED = 1e15
"""Larger numbers have no short name."""
DIGITS = 400
"""More than DuckDB's numbers have; Babel rounds in the context of ``decimal``."""


class LocalFormatter(ValueFormatter):
    """Formats values as readers in a region write them: 1.234,50 € and 01.05.2026."""

    def __init__(self, region: Region) -> None:
        self._locale = parse_locale(region.locale or DEFAULT_LOCALE)
        self._currency = region.currency

    def format_number(self, value: Number, style: Format) -> str:
        """Format a number; money has the currency, with its usual decimals."""
        if not math.isfinite(value):
            return super().format_number(value, style)
        with localcontext(prec=DIGITS):
            return self._format_finite(value, style)

    def _format_finite(self, value: Number, style: Format) -> str:
        if style in ("percent", "change"):
            sign = "+" if style == "change" and value > 0 else ""
            return sign + self._format_percent(value, DECIMALS[style])
        if style == "money" and self._currency:
            return str(format_currency(value, self._currency, locale=self._locale))
        return self._format_decimal(value, DECIMALS[style])

    def format_day(self, value: date) -> str:
        """Format a date with its year in full."""
        return str(format_date(value, "medium", locale=self._locale))

    def format_time(self, value: datetime) -> str:
        """Format a date and the time of day, without seconds, in the zone that it has."""
        time = self._locale.time_formats["short"].pattern
        return f"{self.format_day(value)}, {format_datetime(value, time, locale=self._locale)}"

    def format_axis_number(self, value: float) -> str:
        """Format a number in few characters, such as ``1,5 Mio.``."""
        if abs(value) < 1_000:  # noqa: PLR2004 - the first size that has a short name
            return self._format_decimal(value, ".###")
        if abs(value) >= MAX_NAMED:
            return super().format_axis_number(value)
        return str(format_compact_decimal(value, locale=self._locale, fraction_digits=1))

    def format_axis_percent(self, value: float) -> str:
        """Format a share in few characters."""
        return self._format_percent(value, ".#")

    def _format_decimal(self, value: Number, decimals: str) -> str:
        groups = self._locale.decimal_formats[None].pattern.partition(".")[0]
        return str(format_decimal(value, groups + decimals, locale=self._locale))

    def _format_percent(self, value: Number, decimals: str) -> str:
        pattern = self._locale.percent_formats[None].pattern.replace("0", f"0{decimals}", 1)
        return str(format_percent(value, pattern, locale=self._locale))
