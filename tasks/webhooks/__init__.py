"""The kind ``webhook``: one HTTP request to somebody else's server, tried again while that helps."""

from typing import Any

import msgspec  # noqa
