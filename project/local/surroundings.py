"""What must be right around ``make up`` before it starts anything: free ports, Redis' password."""

import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from project.errors import ContinuoError
from project.settings.values import Settings

LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 2.0
DEFAULT_REDIS_PORT = 6379


class NeededPort(NamedTuple):
    """A port that a process listens on, and the variable that sets it."""

    variable: str
    host: str
    port: int

    @property
    def is_free(self) -> bool:
        """Whether nobody listens on it; connections that are closing do not count."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
                probe.listen(1)
            except OSError:
                return False
        return True


def list_ports(settings: Settings) -> Iterator[NeededPort]:
    """The ports that the processes of ``make up`` listen on."""
    yield NeededPort("PORT", settings.host, settings.port)
    yield NeededPort("FLOWER_PORT", LOOPBACK, settings.flower_port)
    if settings.files_port:
        yield NeededPort("FILES_PORT", settings.host, settings.files_port)
    if not settings.redis_url:
        yield NeededPort("VALKEY_PORT", LOOPBACK, settings.valkey_port)
    if not settings.smtp_url:
        yield NeededPort("SMTP_PORT", LOOPBACK, settings.smtp_port)


def require_ports(settings: Settings) -> None:
    """Raise ``ContinuoError`` that names each port in use, and the variable to set."""
    problems = [
        f"port {each.port} is in use: set {each.variable} to another port"
        for each in list_ports(settings)
        if not each.is_free
    ]
    if problems:
        raise ContinuoError("; ".join(problems))


def require_redis_login(url: str) -> None:
    """Raise ``ContinuoError`` when Redis does not accept the login of ``redis://``.

    A Redis that does not answer is no error: the processes wait for it.
    """
    reply = ask_redis(url)
    if "WRONGPASS" in reply or "invalid password" in reply:
        raise ContinuoError("Redis does not accept the user and password of REDIS_URL")
    if "NOAUTH" in reply:
        raise ContinuoError("Redis asks for a password: set it in REDIS_URL, redis://:password@...")


def is_redis_reachable(url: str) -> bool:
    """Whether Redis answers; True for a URL that is not looked at (TLS, a socket, Sentinels)."""
    return urlsplit(url).scheme != "redis" or bool(ask_redis(url))


def ask_redis(url: str) -> str:
    """Log in and ping. Returns the replies, "" when there is none or the URL is of another kind."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        return ""
    login = [unquote(part) for part in (parts.username, parts.password) if part]
    commands = encode_command("AUTH", *login) if parts.password else b""
    try:
        place = parts.hostname, parts.port or DEFAULT_REDIS_PORT
        with socket.create_connection(place, PROBE_SECONDS) as connection:
            connection.sendall(commands + encode_command("PING"))
            return connection.recv(1_024).decode(errors="replace")
    except OSError:
        return ""


def encode_command(*words: str) -> bytes:
    """Encode a command of the Redis protocol."""
    encoded = [word.encode() for word in words]
    parts = [b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded]
    return b"*%d\r\n" % len(parts) + b"".join(parts)
