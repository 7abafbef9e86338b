"""A report as one HTML page that needs nothing else: no script, no font, no picture to fetch."""

from pathlib import Path
from typing import Any

TEMPLATE = "house.html"


def render_page(page: dict[str, Any]) -> str:
    """The page; every text of it is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)
