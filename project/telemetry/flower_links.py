"""Links from Flower's pages of a task and of a worker to the console.

The pages are derived from Flower's own, as those with a password are. When Flower writes the
heading of a page in another way, the page stays as it is.
"""

from html import escape
from typing import Any
from urllib.parse import quote

from flower import urls
from flower.views.tasks import TaskView
from flower.views.workers import WorkerView
from tornado.routing import URLSpec

HEADINGS = {TaskView: b"Task details</p>", WorkerView: b"Worker details</p>"}
"""What stands before the link, by page."""


def link_pages(console: str) -> None:
    """Add the links; ``console`` is the URL of the console, without a slash at the end."""
    urls.handlers[:] = [
        URLSpec(
            page.regex.pattern, derive_page(page.handler_class, console), page.kwargs, page.name
        )
        if isinstance(page, URLSpec) and page.handler_class in HEADINGS
        else page
        for page in urls.handlers
    ]


def derive_page(page: Any, console: str) -> Any:
    """Derive a page with a link below its heading."""
    heading = HEADINGS[page]

    class Linked(page):
        def render_string(self, template_name: str, **values: Any) -> bytes:
            link = build_link(console, values.get("task"))
            html: bytes = super().render_string(template_name, **values)
            return html.replace(heading, heading + link, 1)

    return Linked


def build_link(console: str, task: Any) -> bytes:
    """The link to the page of the task, or of the workers."""
    path = f"/console/jobs/{quote(task.uuid, safe='')}" if task else "/console/workers"
    return f'<a href="{escape(console + path)}">Show in the console</a>'.encode()
