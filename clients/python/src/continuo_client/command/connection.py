"""Where the API is, and with which key: from the options and the environment."""

import os
from argparse import Namespace

import httpx2

from continuo_client.calls import require_header_value, require_web_url
from continuo_client.client import Client
from continuo_client.command.outcomes import WrongUsage

URL_VARIABLE, KEY_VARIABLE = "CONTINUO_URL", "CONTINUO_KEY"
REPEAT_SECONDS = 30.0
"""The time in which a request is repeated, in addition to a wait that was asked for."""


def connect(args: Namespace, seconds: float = REPEAT_SECONDS) -> Client:
    """The client for the URL and the key of this call. Raises ``WrongUsage``."""
    url = args.url or read_url()
    key = args.key or read_key()
    # no proxy: the API is usually on this machine or in this network
    return Client(url, key, retry_seconds=seconds, http=httpx2.Client(trust_env=False))


def read_url() -> str:
    """The URL in the environment, or that of the API on this machine. Raises ``WrongUsage``."""
    url = os.environ.get(URL_VARIABLE) or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    try:
        return require_web_url(url)
    except ValueError:
        raise WrongUsage(
            f"{URL_VARIABLE}: must be http://host or https://host, without a login or a query"
        ) from None


def read_key() -> str:
    """The API key in the environment, "" for none. Raises ``WrongUsage``."""
    try:
        return require_header_value(os.environ.get(KEY_VARIABLE, ""))
    except ValueError:
        raise WrongUsage(f"{KEY_VARIABLE}: must be ASCII characters without spaces") from None
