"""Downloads of files by signed links; they need no API key."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from api.http.routing import Answer, RawResponse, Request, Router
from api.server import downloads
from api.server.byte_ranges import RangeAnswer, select_range
from project.artifacts.links import Artifact

MAX_ANSWER_BYTES = 4 << 20
"""Larger files are redirected to the file server: the API would copy them several times."""

FILE_HEADERS = {
    "Content-Disposition": "The file name.",
    "ETag": "Identifies this content.",
    "Accept-Ranges": "The server supports ranges.",
}

routes = Router()


@routes.get(
    "/artifacts/{token}",
    auth=False,
    answers={200: None, 206: None, 302: None},
    errors=(403, 404, 410, 416),
    produces="application/octet-stream",
    request_headers={
        "Range": "One range of bytes.",
        "If-Range": "An ETag: the range applies only if it still matches.",
    },
    answer_headers={
        200: FILE_HEADERS,
        206: FILE_HEADERS | {"Content-Range": "The range of bytes, and the size of the file."},
        302: {
            "Location": "The URL of a large file, or of one in a bucket; works for a few minutes."
        },
    },
    summary="Download a file that a job made, by the link in its result",
    tags=["artifacts"],
)
async def download(request: Request) -> Answer | RawResponse:
    """Answer the file, or redirect to where it is."""
    artifact = downloads.resolve_token(request.params["token"])
    place = await asyncio.to_thread(downloads.locate_file, artifact, request.method)
    if isinstance(place, str):
        return answer_redirect(place)
    piece = select_range(artifact, place.stat().st_size, request.header)
    if piece.length > MAX_ANSWER_BYTES and request.method == "GET":
        return answer_redirect(f"{downloads.start_file_server()}{request.path}")
    return await asyncio.to_thread(answer_file, artifact, place, piece, request.method)


def answer_redirect(address: str) -> Answer:
    """Build the redirect to the file."""
    headers = {"Location": address, "Cache-Control": "no-store"}
    return Answer("", status=302, headers=headers, content_type="text/plain")


def answer_file(artifact: Artifact, file: Path, piece: RangeAnswer, method: str) -> RawResponse:
    """Build the response; call it off the event loop, because it reads and copies the file."""
    response = RawResponse.binary(
        b"" if method == "HEAD" else read_range(file, piece), artifact.content_type, piece.status
    )
    if piece.status == HTTPStatus.NOT_MODIFIED:
        response = RawResponse(status=piece.status)
    if method == "HEAD":
        response.set_header("Content-Length", str(piece.length))
    for name, value in piece.headers.items():
        response.set_header(name, value)
    return response


def read_range(file: Path, piece: RangeAnswer) -> bytes:
    """Read the selected range of the file."""
    with file.open("rb") as content:
        content.seek(piece.start)
        return content.read(piece.length)
