"""Renders a report as one self-contained HTML page: no script, font or image to fetch."""

from pathlib import Path
from typing import Any

TEMPLATE = "house.html"


def render_page(page: dict[str, Any]) -> str:
    """Render the page of ``page.build_page``; every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)
