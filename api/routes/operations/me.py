"""The route that shows what the caller's API key allows."""

import msgspec

from api.http.routing import Answer, Request, Router
from project.extras import has_extra
from project.settings.console import get_console_settings
from project.settings.packages import EXTRAS
from project.settings.values import get_settings

routes = Router()


class Caller(msgspec.Struct, frozen=True):
    """The holder of the API key, and what the key allows.

    Without API keys, ``name`` is "" and ``scopes`` has all scopes. ``tenant`` is "" for a key that
    sees the jobs of all tenants. ``outbox``: mails are stored at /outbox instead of sent, and the
    key may read them. ``extras`` are the parts of the platform that are installed.
    ``flower``: the URL of Flower; ``traces``: that of a trace, with ``{trace}`` for its id. Both
    are "" when there is none, and for a tenant.
    """

    name: str
    scopes: list[str]
    tenant: str
    outbox: bool
    extras: list[str]
    flower: str
    traces: str


@routes.get(
    "/me", answers={200: Caller}, errors=(), summary="Show what the API key allows", tags=["me"]
)
async def show_caller(request: Request) -> Answer:
    """Answer the holder of the key."""
    api_key = request.api_key
    extras = [name for name in EXTRAS if has_extra(name)]
    outbox = "mail" in extras and not get_settings().smtp_url and not api_key.tenant
    console = get_console_settings()
    flower, traces = ("", "") if api_key.tenant else (console.flower_url, console.trace_url)
    scopes = sorted(api_key.scopes)
    return Answer(
        Caller(
            name=api_key.name,
            scopes=scopes,
            tenant=api_key.tenant,
            outbox=outbox,
            extras=extras,
            flower=flower.rstrip("/"),
            traces=traces,
        )
    )
