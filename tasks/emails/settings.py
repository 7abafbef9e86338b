"""Settings of e-mail blasts. SMTP_URL is a setting of the platform, which starts the mail sink."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from project.errors import InvalidField
from project.settings.groups import SettingsGroup, read_settings, split_list
from project.settings.mail_url import parse_sender
from project.settings.secrets import MIN_SECRET_CHARACTERS

_IS_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", re.ASCII).fullmatch


class MailSettings(SettingsGroup):
    """Sender, templates, signature, limits and rates of mails."""

    mail_templates: str = Field("", description="Folder with your own mail templates.")
    mail_from: str = Field("continuo@localhost.localdomain", description="Sender of mails.")
    max_recipients: int = Field(
        10_000,
        ge=1,
        validation_alias="CONTINUO_MAX_RECIPIENTS",
        description="Most recipients in one POST.",
    )
    max_blast: int = Field(
        1_000_000,
        ge=1,
        validation_alias="CONTINUO_MAX_BLAST",
        description="Most recipients of a blast that takes them in parts.",
    )
    dkim_key: str = Field(
        "",
        validation_alias="CONTINUO_DKIM_KEY",
        description="File with the private key (PEM) that signs mails (DKIM).",
    )
    dkim_selector: str = Field(
        "continuo",
        pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$",
        validation_alias="CONTINUO_DKIM_SELECTOR",
        description="Name of its public key in the DNS of the sender's domain.",
    )
    mail_workers: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="CONTINUO_MAIL_WORKERS",
        description="Most workers, and connections, that one blast uses at once.",
    )
    mail_rate: float = Field(
        0.0,
        ge=0,
        validation_alias="CONTINUO_MAIL_RATE",
        description="Mails a second to the mail server, from all workers; 0 is no limit.",
    )
    mail_domain_rate: float = Field(
        0.0,
        ge=0,
        validation_alias="CONTINUO_MAIL_DOMAIN_RATE",
        description="Mails a second to recipients of one domain; 0 is no limit.",
    )

    soft_bounces: int = Field(
        5,
        ge=1,
        le=100,
        validation_alias="CONTINUO_SOFT_BOUNCES",
        description="Soft bounces within 30 days after which an address gets no more mail.",
    )
    sns_topics: str = Field(
        "",
        validation_alias="CONTINUO_SNS_TOPICS",
        description="ARNs of the SNS topics with bounces of Amazon SES, separated by commas.",
    )
    postmark_password: str = Field(
        "",
        repr=False,
        validation_alias="CONTINUO_POSTMARK_PASSWORD",
        description="Password in the URL of Postmark's webhook for bounces.",
    )

    @field_validator("postmark_password")
    @classmethod
    def _is_long(cls, password: str) -> str:
        if password and len(password) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"must have at least {MIN_SECRET_CHARACTERS} characters")
        return password

    @field_validator("sns_topics")
    @classmethod
    def _are_topics(cls, text: str) -> str:
        for topic in split_list(text):
            if not _IS_TOPIC(topic):
                raise ValueError("must be ARNs such as arn:aws:sns:eu-west-1:123456789012:bounces")
        return text

    @field_validator("mail_templates")
    @classmethod
    def _is_a_folder(cls, path: str) -> str:
        if path and not Path(path).is_dir():
            raise ValueError("must be a folder that exists and can be read")
        return path

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, text: str) -> str:
        try:
            parse_sender(text)
        except InvalidField as error:
            raise ValueError(error.problem) from None
        return text

    @field_validator("dkim_key")
    @classmethod
    def _is_a_private_key(cls, path: str) -> str:
        if path:
            require_private_key(Path(path))
        return path


def require_private_key(path: Path) -> None:
    """Raise ``ValueError`` unless the file has a private key that can sign mails."""
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key

    try:
        parse_pem_private_key(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnparsableKeyError:
        raise ValueError("must be a file with an RSA private key in PEM") from None


def get_mail_settings() -> MailSettings:
    """Return the settings. Raises ``ValidationError``, which names the variables."""
    return read_settings(MailSettings)
