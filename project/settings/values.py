"""The settings of the platform.

Each setting is an environment variable. Its name is the field's name in capitals, or has the
prefix ``CONTINUO_`` when it means nothing to other programs. A wrong value stops the process at
its start, and the error names the variable.
"""

import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from project.errors import InvalidField, UnsafeStart
from project.settings.api_keys import ApiKeys, parse_api_keys, read_key_file
from project.settings.groups import SettingsGroup, read_settings, split_list
from project.settings.mail_url import parse_mail_url
from project.settings.secrets import MIN_SECRET_CHARACTERS, read_or_create_secret
from project.settings.sentinel_url import parse_sentinel_url
from project.settings.urls import is_redis_url, is_web_url

DAY_SECONDS = 86_400

IS_ORIGIN = re.compile(r"\*|https?://[a-zA-Z0-9.\[\]:-]+").fullmatch
IS_HOST = re.compile(r"\*|[a-zA-Z0-9_.-]+|[0-9a-fA-F:]+").fullmatch
IS_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[\w./-]*)?", re.ASCII).fullmatch


class Settings(SettingsGroup):
    """The platform's settings and their defaults."""

    # where things listen
    host: str = Field("127.0.0.1", description="IP address the API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the API.")
    web_concurrency: int = Field(1, ge=1, le=64, description="API processes on that port.")
    public_url: str = Field(
        "", description="URL of the API for clients; download links start with it."
    )
    files_port: int = Field(
        0, ge=0, le=65535, description="Port for downloads of large files; 0: any free port."
    )
    files_url: str = Field(
        "", description="URL of FILES_PORT for clients; unset: the host of PUBLIC_URL and the port."
    )
    flower_port: int = Field(5555, ge=1, le=65535, description="Port of the Flower page.")
    valkey_port: int = Field(6399, ge=1, le=65535, description="Port of the bundled Valkey.")
    valkey_fsync: Literal["everysec", "always"] = Field(
        "everysec",
        description="How often the bundled Valkey flushes to disk: every second or every write.",
    )
    smtp_port: int = Field(2525, ge=1, le=65535, description="Port of the bundled mail sink.")

    # what they talk to
    redis_url: str = Field("", description="Redis, Valkey or Sentinels; unset: the bundled Valkey.")
    broker_url: str = Field("", description="RabbitMQ (amqp://) for messages; unset: Redis.")
    smtp_url: str = Field("", description="Mail server; unset: the bundled mail sink.")
    data_dir: Path = Field(Path("var"), description="Folder for files.")
    otel_exporter_otlp_endpoint: str = Field(
        "", description="Where traces are sent (OTLP over HTTP); unset: no traces."
    )
    artifacts_url: str = Field(
        "", description="s3://bucket/prefix for the files jobs make; unset: DATA_DIR/artifacts."
    )

    # the worker
    worker_concurrency: int = Field(2, ge=1, le=512, description="Jobs that a worker runs at once.")
    lease_seconds: float = Field(
        6.0, ge=1, le=60, description="Seconds after which a silent worker counts as dead."
    )
    worker_async_jobs: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Jobs that each process runs at once in an event loop.",
    )
    excluded_queues: str = Field(
        "",
        validation_alias="CONTINUO_EXCLUDED_QUEUES",
        description="Queues that workers without -Q leave alone, separated by commas.",
    )
    drain_seconds: float = Field(
        20.0, ge=0, le=3600, description="Seconds that running jobs get to finish after SIGTERM."
    )

    # how long records are kept after their job ended
    retention_success: int = Field(
        7 * DAY_SECONDS, ge=60, description="Seconds to keep the record of a success."
    )
    retention_failed: int = Field(
        30 * DAY_SECONDS, ge=60, description="Seconds to keep the record of a failure."
    )
    retention_cancelled: int = Field(
        7 * DAY_SECONDS, ge=60, description="Seconds to keep the record of a cancelled job."
    )

    # variables that mean nothing to other programs
    api_keys: str = Field(
        "",
        validation_alias="CONTINUO_API_KEYS",
        description="name:key or name/scope@tenant:key, separated by commas.",
    )
    api_keys_file: str = Field(
        "",
        validation_alias="CONTINUO_API_KEYS_FILE",
        description="File with more keys, one per line, by digest; read again when it changes.",
    )
    rate_limit: int = Field(
        0,
        ge=0,
        le=1_000_000,
        validation_alias="CONTINUO_RATE_LIMIT",
        description="Requests per minute for each API key; 0: no limit.",
    )
    max_schedules: int = Field(
        1_000,
        ge=0,
        le=1_000_000,
        validation_alias="CONTINUO_MAX_SCHEDULES",
        description="Schedules that each tenant may have; 0: no limit.",
    )
    cors_origins: str = Field(
        "",
        validation_alias="CONTINUO_CORS_ORIGINS",
        description="Origins of web pages that may call the API, separated by commas; *: all.",
    )
    hosts: str = Field(
        "",
        validation_alias="CONTINUO_HOSTS",
        description="Host names of the API besides this machine's and PUBLIC_URL's, separated by "
        "commas; *: all.",
    )
    secret_key: str = Field(
        "",
        validation_alias="CONTINUO_SECRET_KEY",
        description="Signs links; older keys after commas. Unset: generated, kept in DATA_DIR.",
    )
    link_seconds: int = Field(
        DAY_SECONDS,
        ge=1,
        validation_alias="CONTINUO_LINK_SECONDS",
        description="Seconds that a download link works.",
    )
    idempotency_seconds: int = Field(
        DAY_SECONDS,
        ge=1,
        validation_alias="CONTINUO_IDEMPOTENCY_SECONDS",
        description="Seconds that an Idempotency-Key is remembered.",
    )
    events_kept: int = Field(
        10_000,
        ge=1_000,
        le=1_000_000,
        validation_alias="CONTINUO_EVENTS_KEPT",
        description="Latest events, of all jobs, that a listener can catch up on.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        validation_alias="CONTINUO_LOG_FORMAT",
        description="Log format of workers and beat; the API always writes JSON lines.",
    )
    retry_jitter: bool = Field(
        default=False,
        validation_alias="CONTINUO_RETRY_JITTER",
        description="Wait a random part of the delay before a retry.",
    )
    max_body_bytes: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="CONTINUO_MAX_BODY_BYTES",
        description="Size limit of a request body.",
    )

    @field_validator("host")
    @classmethod
    def _is_an_ip_literal(cls, host: str) -> str:
        ipaddress.ip_address(host)
        return host

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: str) -> str:
        if url and parse_sentinel_url(url) is None and not is_redis_url(url):
            raise ValueError(
                "must be redis://user:password@host:6379/0, rediss:// with TLS, "
                "unix:///path of a socket, or redis+sentinel://; encode / ? # in a password"
            )
        return url

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: str) -> str:
        if url:
            try:
                parse_mail_url(url)
            except InvalidField as error:
                raise ValueError(error.problem) from None
        return url

    @field_validator("public_url")
    @classmethod
    def _is_a_start_of_links(cls, url: str) -> str:
        if url and not is_web_url(url):
            raise ValueError(
                "must be https://jobs.example.com or http://, and perhaps port and path"
            )
        return url

    @field_validator("secret_key")
    @classmethod
    def _are_long_secrets(cls, text: str) -> str:
        if any(len(secret) < MIN_SECRET_CHARACTERS for secret in split_list(text)):
            raise ValueError(f"each secret must have at least {MIN_SECRET_CHARACTERS} characters")
        if text and not split_list(text):
            raise ValueError("has only commas: set a secret, or leave it unset")
        return text

    @field_validator("broker_url")
    @classmethod
    def _is_rabbitmq(cls, url: str) -> str:
        if url and not url.startswith(("amqp://", "amqps://")):
            raise ValueError("must be amqp:// or amqps://; for Redis set only REDIS_URL")
        return url

    @field_validator("artifacts_url")
    @classmethod
    def _is_a_bucket(cls, url: str) -> str:
        if url and not IS_BUCKET(url):
            raise ValueError("must be s3://bucket or s3://bucket/prefix, without credentials")
        return url.rstrip("/")

    @field_validator("files_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not is_web_url(url):
            raise ValueError("must start with http:// or https:// and have a host")
        return url.rstrip("/")

    @field_validator("data_dir")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        return folder.resolve()

    @field_validator("api_keys")
    @classmethod
    def _are_api_keys(cls, text: str) -> str:
        parse_api_keys(filter(None, text.split(",")))
        return text

    @field_validator("api_keys_file")
    @classmethod
    def _is_a_key_file(cls, path: str) -> str:
        if path:
            read_key_file(Path(path))
        return path

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for origin in split_list(text):
            if not IS_ORIGIN(origin):
                raise ValueError(
                    f"{origin!r} is not an origin: use https://pages.example.com, or *"
                )
        return text

    @field_validator("hosts")
    @classmethod
    def _are_host_names(cls, text: str) -> str:
        for host in split_list(text):
            if not IS_HOST(host):
                raise ValueError(
                    f"{host!r} is not a host name: use api.example.com, without a port, or *"
                )
        return text.lower()

    @model_validator(mode="after")
    def _has_no_empty_secret_file(self) -> Self:
        path = self.secret_file
        if not self.secret_key and path.is_file() and path.stat().st_size < MIN_SECRET_CHARACTERS:
            raise ValueError(
                f"{path} has fewer than {MIN_SECRET_CHARACTERS} characters, so links could be "
                "forged: remove the file, then a new secret is made and older links end"
            )
        return self

    @property
    def secret_file(self) -> Path:
        """Where the secret is that signs links when CONTINUO_SECRET_KEY is not set."""
        return self.data_dir / "secret_key"

    @property
    def own_hosts(self) -> list[str]:
        """The host names of the API besides loopback and PUBLIC_URL's; HOST is one of them."""
        return [self.host, *split_list(self.hosts)]

    @property
    def origins(self) -> list[str]:
        """The web origins that may call the API."""
        return split_list(self.cors_origins)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the API."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def store_url(self) -> str:
        """The URL of the Redis that holds the records; the bundled Valkey by default."""
        return self.redis_url or f"redis://127.0.0.1:{self.valkey_port}/0"

    @property
    def mail_url(self) -> str:
        """The URL of the mail server; the bundled mail sink by default."""
        return self.smtp_url or f"smtp://127.0.0.1:{self.smtp_port}"

    @property
    def base_url(self) -> str:
        """The start of links to the API, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def keys_by_digest(self) -> ApiKeys:
        """The holders of the API keys; reads the key file each time."""
        keys = parse_api_keys(filter(None, self.api_keys.split(",")))
        file_keys = read_key_file(Path(self.api_keys_file)) if self.api_keys_file else {}
        return file_keys | keys

    @property
    def has_api_keys(self) -> bool:
        """Whether the API asks for a key."""
        return bool(self.api_keys or self.api_keys_file)

    @cached_property
    def signing_keys(self) -> list[str]:
        """The secrets that sign links, newest first; the same in every process."""
        return split_list(self.secret_key) or [read_or_create_secret(self.secret_file)]

    def refuse_public_without_keys(self) -> None:
        """Raise ``UnsafeStart`` when other machines can reach the API and it asks for no key."""
        if not self.is_loopback and not self.has_api_keys:
            message = (
                f"HOST={self.host} is reachable from outside and CONTINUO_API_KEYS is empty: "
                "set CONTINUO_API_KEYS=name:key, or listen on 127.0.0.1"
            )
            raise UnsafeStart(message)


def get_settings() -> Settings:
    """Return the platform's settings. Raises ``ValidationError``, which names the variables."""
    return read_settings(Settings)
