"""Chooses how the values of a report are formatted."""

from tasks.rendering.output.formats import ValueFormatter
from tasks.rendering.regions import Region


def build_formatter(region: Region) -> ValueFormatter:
    """Return the formatter of a region; a plain one without a locale and a currency."""
    if not region.locale and not region.currency:
        return ValueFormatter()
    # Babel takes a while to import
    from tasks.rendering.output.local_formats import LocalFormatter

    return LocalFormatter(region)
