"""Credentials of an S3 bucket, from the usual AWS variables."""

import os
from typing import NamedTuple


class BucketAccess(NamedTuple):
    """An access key, its session token ("" for none), and the region and URL of the S3 server."""

    key: str
    secret: str
    token: str
    region: str
    endpoint: str


def read_bucket_access() -> BucketAccess | None:
    """Read the credentials; None when no key is set (the machine may have a role instead)."""
    read = os.environ.get
    key, secret = read("AWS_ACCESS_KEY_ID", ""), read("AWS_SECRET_ACCESS_KEY", "")
    if not (key and secret):
        return None
    region = read("AWS_REGION") or read("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = read("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
    return BucketAccess(key, secret, read("AWS_SESSION_TOKEN", ""), region, endpoint.rstrip("/"))
