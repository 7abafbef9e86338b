"""``python -m project.telemetry.flower_healthcheck``: does Flower answer? For health checks.

Exit 0 when it does, 1 when it does not, 2 when a setting is wrong. Flower's health check asks for
its password too, so this program reads the same variables: ``FLOWER_PORT``,
``FLOWER_URL_PREFIX``, ``FLOWER_BASIC_AUTH``.
"""

import base64
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from flower.command import apply_env_options
from flower.options import options
from tornado.options import Error as TornadoError

from project.errors import ContinuoError
from project.settings.checks import run_program
from project.settings.environment import copy_environment

TIMEOUT_SECONDS = 2.0


def main() -> int:
    """Request Flower's health check. Returns the exit code. Raises ``ContinuoError``."""
    try:
        apply_env_options()
    except (ValueError, TornadoError) as problem:
        names = ", ".join(sorted(name for name in copy_environment() if name.startswith("FLOWER_")))
        raise ContinuoError(f"Flower cannot read the value of one of {names}") from problem
    connection = HTTPConnection("127.0.0.1", options.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            "GET", build_path(options.url_prefix), headers=build_authorization(options.basic_auth)
        )
        status = connection.getresponse().status
    except (HTTPException, OSError) as problem:
        print(f"Flower does not answer: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        connection.close()
    return 0 if status == HTTPStatus.OK else 1


def build_path(prefix: str | None) -> str:
    """Build the path of the health check below ``FLOWER_URL_PREFIX``."""
    return "/".join(["", *filter(None, [(prefix or "").strip("/")]), "healthcheck"])


def build_authorization(basic_auth: list[str] | None) -> dict[str, str]:
    """Build the header with the first password; no header when Flower asks for none."""
    if not basic_auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(basic_auth[0].encode()).decode()}"}


if __name__ == "__main__":
    run_program("flower_healthcheck", main)
