"""``python -m api [module:build]``: the API, supervised, on one port.

Exit codes: 0 stopped by a signal; 2 a setting is wrong or unsafe;
3 the application does not start; 4 the port is not available.
"""

import socket
import sys
from importlib import import_module

from project.settings.checks import exit_if_wrong, refuse
from project.settings.values import Settings, get_settings
from project.store.startup import require_login

EXIT_PORT_TAKEN = 4

_APPLICATION = "api.app:build"
_GRACE_SECONDS = 3.0
"""How long a server may exceed its own time limits before it is killed."""


def main(arguments: list[str]) -> int:
    """Run the API until a signal stops it. Returns the exit code."""
    with exit_if_wrong("api"):
        return start(arguments[0] if arguments else _APPLICATION)


def start(application: str) -> int:
    """Serve ``module:build``. Raises ``ValidationError`` or ``ContinuoError`` (wrong settings)."""
    config = get_settings()
    config.refuse_public_without_keys()
    try:
        require_port(config.host, config.port)
    except OSError as error:
        reason = error.strerror or str(error)
        refuse("api", f"cannot listen on {config.host} port {config.port}: {reason}")
        return EXIT_PORT_TAKEN
    require_login(config.store_url)
    return supervise(application, config)


def supervise(application: str, config: Settings) -> int:
    """Import ``module:build`` and keep its server processes running. Returns the exit code."""
    from api.server.process import CLOSE_SECONDS, ApiServer
    from api.server.supervisor import Supervisor
    from api.telemetry import access_log

    access_log.configure()
    module, _, name = application.partition(":")
    build = getattr(import_module(module), name)
    grace = config.drain_seconds + CLOSE_SECONDS + _GRACE_SECONDS
    return Supervisor(
        lambda: ApiServer(build, config).run(), count=config.web_concurrency, grace=grace
    ).run()


def require_port(host: str, port: int) -> None:
    """Raise ``OSError`` when another program listens on ``port``.

    Cello shares its port (SO_REUSEPORT), even with an unrelated program: each would silently get
    a part of the requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
