"""Lists and aborts unfinished multipart uploads of an S3 bucket.

obstore starts and ends an upload within one call. It can neither list nor abort an upload whose
process was killed. This module sends the two S3 requests that do, with AWS Signature Version 4.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from project.errors import ContinuoError
from project.settings.bucket import BucketAccess

TIMEOUT_SECONDS = 60.0
"""The longest pause between two bytes of an answer."""
MAX_UPLOADS = 1_000
"""The most uploads that one request lists."""
MAX_ERROR_BYTES = 300
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"


class UploadRefused(ContinuoError):
    """The bucket answered a request with an error."""


class Upload(NamedTuple):
    """An unfinished multipart upload of one key."""

    access: BucketAccess
    bucket: str
    key: str
    id: str

    def abort(self) -> None:
        """Delete the uploaded parts. Raises ``UploadRefused`` or ``OSError``."""
        send_request(self.access, "DELETE", f"{self.bucket}/{self.key}", {"uploadId": self.id})


def list_unfinished(access: BucketAccess, bucket: str, prefix: str) -> list[Upload]:
    """List the first ``MAX_UPLOADS`` uploads whose key starts with ``prefix``, ordered by key.

    Raises ``UploadRefused`` or ``OSError``.
    """
    query = {"uploads": "", "prefix": prefix, "max-uploads": str(MAX_UPLOADS)}
    text = send_request(access, "GET", f"{bucket}/", query)
    try:
        answer = ET.fromstring(text)  # noqa: S314 - from our own bucket
    except ET.ParseError as error:
        raise UploadRefused(f"GET {bucket}/: {error}: {text[:MAX_ERROR_BYTES]!r}") from error
    listed = [
        {strip_namespace(inner.tag): inner.text or "" for inner in element}
        for element in answer
        if strip_namespace(element.tag) == "Upload"
    ]
    return [Upload(access, bucket, entry["Key"], entry["UploadId"]) for entry in listed]


def strip_namespace(tag: str) -> str:
    """Return the name of an XML element without its namespace."""
    return tag.rpartition("}")[2]


def send_request(access: BucketAccess, method: str, place: str, query: Mapping[str, str]) -> bytes:
    """Send a request and return the body. Raises ``UploadRefused`` or ``OSError``."""
    server = urlsplit(access.endpoint)
    path = quote(f"{server.path}/{place}", safe="/-._~")
    kind = HTTPSConnection if server.scheme == "https" else HTTPConnection
    headers = sign_headers(access, method, server.netloc, path, query, datetime.now(UTC))
    connection = kind(server.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, f"{path}?{format_query(query)}", headers=headers)
        answer = connection.getresponse()
        text = answer.read()
    except HTTPException as error:
        raise UploadRefused(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status not in (200, 204):
        raise UploadRefused(f"{method} {path}: {answer.status} {text[:MAX_ERROR_BYTES]!r}")
    return text


def format_query(query: Mapping[str, str]) -> str:
    """Format a query sorted and quoted, as the signature needs it."""
    return urlencode(sorted(query.items()), quote_via=quote, safe="-._~")


def sign_headers(
    access: BucketAccess, method: str, host: str, path: str, query: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Build the signed headers of a request without a body."""
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": host, "x-amz-content-sha256": UNSIGNED_PAYLOAD, "x-amz-date": moment}
    if access.token:
        headers["x-amz-security-token"] = access.token
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{path}\n{format_query(query)}\n{lines}\n{names}\n{UNSIGNED_PAYLOAD}"
    scope = f"{now:%Y%m%d}/{access.region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = compute_signature(
        access.secret, scope, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    )
    credential = f"Credential={access.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers | {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}


def compute_signature(secret: str, scope: str, text: str) -> str:
    """Sign a text with a key derived for one day, region and service, in hexadecimal."""
    key = f"AWS4{secret}".encode()
    for word in (*scope.split("/"), text):
        key = hmac.digest(key, word.encode(), "sha256")
    return key.hex()
