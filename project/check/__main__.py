"""``python -m project.check`` tries the settings and every service.

Reads all settings, then uses each service as the platform does: logs in, writes and reads. Prints
a line for each, without secrets. Exit codes: 0 all is well; 1 a service has a fault; 2 a setting is
wrong.
"""

import sys

from project.services import ServiceFault, declare_service, list_services, try_service
from project.settings.checks import exit_if_wrong
from project.settings.values import get_settings

for service in ("redis", "clock", "broker", "queues", "files", "disk"):
    declare_service(service, f"project.check.platform:check_{service}")
declare_service("outbox", "project.relay.check:check_outbox")


def main() -> int:
    """Check everything. Returns the exit code."""
    with exit_if_wrong("check"):
        from project.celery import app  # with wrong settings there is no app

        app.loader.import_default_modules()
        get_settings().refuse_public_without_keys()
    print_line("ok", "settings", "all are valid")
    results = [report_service(name) for name in list_services()]
    return 0 if all(results) else 1


def report_service(name: str) -> bool:
    """Try a service and print how it is. Returns whether it works."""
    try:
        about = try_service(name)
    except ServiceFault as fault:
        return print_line("wrong", name, str(fault))
    except Exception as error:  # noqa: BLE001 - whatever a service does, the others are tried, too
        return print_line("wrong", name, f"{type(error).__name__}: {error}")
    if about:
        print_line("ok", name, about)
    return True


def print_line(state: str, name: str, text: str) -> bool:
    """Print a line about a service. Returns whether it works."""
    line = " ".join(text.split())
    print(f"{state:<6} {name:<9} {line}", flush=True)  # noqa: T201
    return state == "ok"


if __name__ == "__main__":
    sys.exit(main())
