"""Settings of e-mail blasts. SMTP_URL is a setting of the platform, which starts the mail sink."""

from pydantic import Field

from project.settings.groups import SettingsGroup, read_settings


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


def get_mail_settings() -> MailSettings:
    """Return the settings. Raises ``ValidationError``, which names the variables."""
    return read_settings(MailSettings)
