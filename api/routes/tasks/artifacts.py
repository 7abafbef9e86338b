"""Downloads: the link itself is the permission."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from api.http.routing import Answer, RawResponse, Request, Router
from api.server import downloads
from api.server.byte_ranges import RangeAnswer, select_range
from project.artifacts.links import Artifact

MAX_ANSWER_BYTES = 4 << 20
"""Bytes that an answer of the API itself may have; it copies them several times."""

FILE_HEADERS = {
    "Content-Disposition": "The name to save it under.",
    "ETag": "Names this content.",
    "Accept-Ranges": "That a part of it can be had.",
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
        "If-Range": "An ETag: the range counts only if the file still has it.",
    },
    answer_headers={
        200: FILE_HEADERS,
        206: FILE_HEADERS | {"Content-Range": "Which bytes these are, and how many there are."},
        302: {"Location": "Where a large file, or one in a bucket, is had for a few minutes."},
    },
    summary="Download what a job made, by the link in its result",
    tags=["artifacts"],
)
async def download(request: Request) -> Answer | RawResponse:
    """Answer the file behind a signed link, or where to have it."""
    artifact = downloads.resolve_token(request.params["token"])
    place = await asyncio.to_thread(downloads.locate_file, artifact, request.method)
    if isinstance(place, str):
        return answer_redirect(place)
    piece = select_range(artifact, place.stat().st_size, request.header)
    if piece.length > MAX_ANSWER_BYTES and request.method == "GET":
        return answer_redirect(f"{downloads.start_file_server()}{request.path}")
    return await asyncio.to_thread(answer_file, artifact, place, piece, request.method)


def answer_redirect(address: str) -> Answer:
    """On to where the file is."""
    headers = {"Location": address, "Cache-Control": "no-store"}
    return Answer("", status=302, headers=headers, content_type="text/plain")


def answer_file(artifact: Artifact, file: Path, piece: RangeAnswer, method: str) -> RawResponse:
    """The bytes, off the event loop: reading and copying them takes milliseconds."""
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
    """The part of the file that is wanted."""
    with file.open("rb") as content:
        content.seek(piece.start)
        return content.read(piece.length)
