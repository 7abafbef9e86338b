"""What the caller may do."""

import msgspec

from api.http.routing import Answer, Request, Router
from project.settings.values import get_settings

routes = Router()


class Caller(msgspec.Struct, frozen=True):
    """Whose API key it is and what it opens.

    ``name`` is "" and ``scopes`` are all when no key is asked for; ``tenant`` is "" for a key
    that sees everybody's jobs. ``outbox``: whether mails are kept at /outbox instead of sent,
    and the key may see them.
    """

    name: str
    scopes: list[str]
    tenant: str
    outbox: bool


@routes.get("/me", answers={200: Caller}, errors=(), summary="Show what the key opens", tags=["me"])
async def show_caller(request: Request) -> Answer:
    """Answer whose key it is."""
    api_key = request.api_key
    outbox = not get_settings().smtp_url and not api_key.tenant
    return Answer(Caller(api_key.name, sorted(api_key.scopes), api_key.tenant, outbox))
