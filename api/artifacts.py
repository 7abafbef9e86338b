"""Downloads: the link itself is the permission."""

import asyncio

from cello import Response

from api.edge import Request, Router
from api.problems import Problem
from project import artifacts
from project.artifacts import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered

routes = Router()

TYPES = {".pdf": "application/pdf"}


@routes.get(
    "/artifacts/{token}",
    auth=False,
    answers={200: None},
    errors=(403, 404, 410),
    produces="application/pdf",
    answer_headers={200: {"Content-Disposition": "The name to save it under."}},
    summary="Download what a job made, by the link in its result",
    tags=["artifacts"],
)
async def download(request: Request) -> Response:
    """Answer the file behind a signed link."""
    artifact = resolve(request.params["token"])
    return await asyncio.to_thread(answer, artifact)


def resolve(token: str) -> Artifact:
    """The artifact, or a problem: 403 for a link that is not ours, 410 for an old one."""
    try:
        return artifacts.resolve(token)
    except LinkTampered as refused:
        raise Problem(403, str(refused)) from refused
    except LinkExpired as refused:
        raise Problem(410, str(refused)) from refused


def answer(artifact: Artifact) -> Response:
    """The bytes, off the event loop: reading and copying them takes milliseconds."""
    try:
        data = artifacts.fetch(artifact)
    except ArtifactGone as gone:
        raise Problem(404, str(gone)) from gone
    suffix = artifact.key[artifact.key.rfind(".") :]
    response = Response.binary(data, TYPES.get(suffix, "application/octet-stream"), 200)
    response.set_header("Content-Disposition", f'attachment; filename="{artifact.filename}"')
    response.set_header("Cache-Control", "private, max-age=300")
    return response
