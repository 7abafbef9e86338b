"""Renders a report as one self-contained HTML page: no script, font or image to fetch."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from tasks.rendering.brands import LOGO_TYPES

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
    return environment.get_template(TEMPLATE).render(
        page=page, logo=_build_data_url(page["brand"]["logo"])
    )


def _build_data_url(logo: str) -> str:
    """Return an image as a URL that contains it; "" without one."""
    if not logo:
        return ""
    path = Path(logo)
    content = b64encode(path.read_bytes()).decode("ascii")
    return f"data:{LOGO_TYPES[path.suffix]};base64,{content}"
