"""Every setting of Handoff, in one typed class. The only reader of the environment.

A bad or missing value stops the start with the variable's name and what it should look like.
Secrets are `SecretStr` and are never printed.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from handoff.addresses import (
    BucketUrl,
    DatabaseUrl,
    Listen,
    PublicAddress,
    RedisUrl,
    SenderAddress,
    SmtpUrl,
    WebAddress,
)
from handoff.durations import Duration, MaybeNone, parse_duration
from handoff.errors import ConfigurationError
from handoff.temporal.key_ring import KeyRing


class Settings(BaseSettings):
    """What can be set. Each field is the environment variable `HANDOFF_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="HANDOFF_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: DatabaseUrl = Field(
        description="PostgreSQL 14 or newer: postgresql://user:password@host:5432/name"
    )
    redis_url: RedisUrl = Field(description="Redis or Valkey: redis://:password@host:6379/0")
    smtp_url: SmtpUrl = Field(
        description="The mail server: smtp://user:password@host:587?tls=starttls|implicit|none"
    )
    smtp_from: SenderAddress = Field(
        default="Handoff <handoff@localhost>", description="The sender of every mail"
    )
    smtp_hello_name: str | None = Field(
        default=None,
        description="What we call ourselves in EHLO; without it the host of HANDOFF_PUBLIC_URL",
    )
    smtp_timeout: Duration = Field(
        default=timedelta(seconds=30), description="The longest wait for one SMTP answer"
    )
    smtp_connections: int = Field(
        default=8, ge=1, le=100, description="SMTP connections that one worker holds at most"
    )
    smtp_retry_initial: Duration = Field(
        default=timedelta(seconds=5),
        description="The pause before the first retry of a temporary failure; it doubles",
    )
    smtp_retry_lost: Duration = Field(
        default=timedelta(minutes=5),
        description="The least pause after content whose answer was lost: it may have been taken; "
        "after three such copies it is given up",
    )
    smtp_retry_maximum: Duration = Field(
        default=timedelta(minutes=15), description="The longest pause between two retries"
    )
    smtp_retry_for: Duration = Field(
        default=timedelta(hours=24), description="How long a temporary failure is retried"
    )

    burst_window: MaybeNone = Field(
        default=timedelta(minutes=1),
        description="For so long after a mail, more handoffs for the same person are a burst; "
        "0s: each has a mail of its own",
    )
    burst_delay: Duration = Field(
        default=timedelta(seconds=5),
        description="How long the mails of a burst wait for each other, to become one",
    )

    webhook_private: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="Whether webhooks and callbacks may go to loopback, private, link-local and "
        "metadata addresses: refuse or allow",
    )
    webhook_timeout: Duration = Field(
        default=timedelta(seconds=10), description="How long a webhook's receiver may take"
    )
    webhook_retry_initial: Duration = Field(
        default=timedelta(seconds=5),
        description="The pause before a webhook is tried again; it doubles",
    )
    webhook_retry_maximum: Duration = Field(
        default=timedelta(hours=1), description="The longest pause between two tries at a webhook"
    )
    webhook_retry_for: Duration = Field(
        default=timedelta(days=3),
        description="A webhook that fails for so long is disabled, and admins are mailed",
    )
    webhook_takeover: Duration = Field(
        default=timedelta(seconds=5),
        description="After so long without a sign of a worker its webhooks are another one's",
    )

    public_url: PublicAddress = Field(
        default="http://127.0.0.1:8000",
        description="Where people and links reach the API: https://handoff.example.com, no path",
    )
    task_queue: str = Field(default="handoff", description="The Temporal task queue")
    payload_keys: SecretStr | None = Field(
        default=None,
        description="What encrypts our data in Temporal: name:secret,name:secret, made by "
        "openssl rand -hex 32; the first writes, all of them read; none for plain text. "
        "Without it a key is derived from HANDOFF_AUTH_SECRET, and changes with that",
    )

    auth_secret: SecretStr | None = Field(
        default=None, description="HS256 key for bearer tokens, 32 bytes at least"
    )
    auth_jwks_url: str | None = Field(
        default=None, description="Where the identity provider publishes its keys"
    )
    auth_issuer: str | None = Field(default=None, description="The `iss` that tokens must bear")
    auth_audience: str | None = Field(default=None, description="The `aud` that tokens must bear")
    auth_subject: Literal["id", "external_id", "email", "oid"] = Field(
        default="id",
        description="What else the provider's `sub` is, beside bound sign-ins: id or email, as "
        "the import has it; external_id: nothing else. oid: people are bound by Entra ID's object "
        "id instead, which is the same for every application",
    )
    auth_leeway: Annotated[
        timedelta, BeforeValidator(parse_duration), Field(ge=timedelta(0), le=timedelta(minutes=1))
    ] = Field(default=timedelta(seconds=30), description="Clock difference forgiven, at most 60s")

    embedded: bool = Field(
        default=False, description="Set by `handoff up`: the console signs in as anybody"
    )
    oidc_issuer: WebAddress | None = Field(
        default=None, description="The console's OpenID Connect provider: https://id.example.com"
    )
    oidc_client_id: str = Field(
        default="handoff", description="Under which name the provider knows the console"
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The console's secret at the provider; none for a public client"
    )
    session_lifetime: Duration = Field(
        default=timedelta(hours=8), description="A browser without a request is signed out after"
    )
    session_maximum: Duration = Field(
        default=timedelta(days=7), description="A browser signs in again after this in any case"
    )
    temporal_ui_url: WebAddress | None = Field(
        default=None, description="Temporal's web UI; the console links a handoff's workflow there"
    )

    slack_api_url: WebAddress = Field(
        default="https://slack.com/api", description="Slack's Web API, or a stand-in for it"
    )

    claim_timeout: Duration = Field(
        default=timedelta(minutes=15),
        description="The wait of a `normal` escalation; other priorities keep their proportion",
    )
    max_rounds: int = Field(
        default=5, ge=1, le=20, description="Rounds in all, where no policy says otherwise"
    )
    retention: Duration = Field(
        default=timedelta(days=7), description="After this an unanswered handoff expires"
    )
    snooze_minimum: Duration = Field(
        default=timedelta(minutes=5), description="The shortest snooze"
    )
    snooze_maximum: Duration = Field(default=timedelta(days=7), description="The longest snooze")
    workflow_slots: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="Workflow tasks that one API process carries out at once, so that what it "
        "starts is recorded without another process; 0: workers alone",
    )
    create_wait: Duration = Field(
        default=timedelta(seconds=4),
        description="How long a create waits to be recorded before it answers 202",
    )
    body_within: Duration = Field(
        default=timedelta(seconds=20),
        description="How long the body of a request may take to arrive",
    )
    rate_requests_per_user: int = Field(
        default=12_000, ge=0, description="Requests a minute by one user; 0 for no limit"
    )
    rate_requests_per_account: int = Field(
        default=60_000, ge=0, description="Requests a minute by one account's users together"
    )
    rate_creates_per_user: int = Field(
        default=6_000, ge=0, description="New handoffs a minute by one user"
    )
    rate_calls_per_user: int = Field(
        default=30,
        ge=0,
        description="Commands a minute by one user that call people: release, promote, "
        "escalate-now, transfer, call, change; one for many handoffs counts once",
    )
    rate_trials_per_user: int = Field(
        default=5, ge=0, description="Test notifications an hour by one user"
    )
    rate_failures_per_address: int = Field(
        default=1_200,
        ge=0,
        description="Requests a minute without a valid identity, by one client address",
    )
    nudge_after: Duration = Field(
        default=timedelta(seconds=1),
        description="A change that the engine has not seen for so long is signalled again",
    )
    audit_every: Duration = Field(
        default=timedelta(minutes=1),
        description="How often the auditor compares PostgreSQL with Temporal",
    )
    audit_grace: Duration = Field(
        default=timedelta(minutes=2),
        description="How late a round or a mail may be before readiness turns red",
    )
    purge_after: Duration = Field(
        default=timedelta(days=400), description="Closed handoffs are deleted after so long"
    )
    files_url: BucketUrl | None = Field(
        default=None,
        description="The bucket that keeps what is in files from now on: s3://bucket or "
        "s3://bucket/prefix, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and, where "
        "it is not Amazon's, AWS_ENDPOINT_URL; without it PostgreSQL does",
    )
    streams_per_user: int = Field(
        default=50,
        ge=0,
        description="Live streams that one user holds in one API process; 0 for no limit",
    )
    stream_quiet: Duration = Field(
        default=timedelta(seconds=5),
        description="A live stream that heard nothing for so long reads PostgreSQL again",
    )
    stream_keep_alive: Duration = Field(
        default=timedelta(seconds=15),
        description="A live stream without an event for so long says that it lives",
    )
    stream_rights: Annotated[Duration, Field(le=timedelta(seconds=15))] = Field(
        default=timedelta(seconds=10),
        description="How often open streams ask whether their readers may still read, at most 15s",
    )
    stream_slow: Duration = Field(
        default=timedelta(seconds=30),
        description="A live stream whose reader takes nothing for so long is cut off",
    )
    operator_listen: str = Field(
        default="127.0.0.1:9464",
        description="Where API and worker each tell their operator /metrics and /readyz with ids "
        "and details: host:port, or the next free one. Nobody is asked who they are there",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged"
    )

    @field_validator("auth_secret")
    @classmethod
    def _auth_secret(cls, value: SecretStr | None) -> SecretStr | None:
        # RFC 7518, 3.2: a key of the same size as the hash output or larger.
        if value is not None and len(value.get_secret_value().encode()) < 32:
            raise ValueError("must be 32 bytes or longer; try: openssl rand -hex 32")
        return value

    @field_validator("operator_listen")
    @classmethod
    def _operator_listen(cls, value: str) -> str:
        Listen.parse(value)
        return value

    @field_validator("payload_keys")
    @classmethod
    def _payload_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            KeyRing.parse(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _some_identity(self) -> "Settings":
        if self.auth_secret is None and self.auth_jwks_url is None:
            raise ValueError("HANDOFF_AUTH_SECRET or HANDOFF_AUTH_JWKS_URL must be set")
        if self.auth_secret is None and self.payload_keys is None:
            raise ValueError("HANDOFF_PAYLOAD_KEYS must be set where HANDOFF_AUTH_SECRET is not")
        if self.oidc_issuer is not None and self.auth_secret is None:
            raise ValueError("HANDOFF_OIDC_ISSUER needs HANDOFF_AUTH_SECRET: it signs the cookie")
        return self

    @property
    def issuer(self) -> str:
        """The one provider that is configured; empty where it has no name, or there are two."""
        named = {one.rstrip("/") for one in (self.auth_issuer, self.oidc_issuer) if one}
        return named.pop() if len(named) == 1 else ""

    @property
    def database_dsn(self) -> str:
        """The database's address as SQLAlchemy's asyncpg dialect wants it."""
        rest = self.database_url.get_secret_value().partition("://")[2]
        return f"postgresql+asyncpg://{rest}"


def load_settings(**overrides: Any) -> Settings:
    """Reads the environment.

    Raises:
        ConfigurationError: names each faulty variable and what it should look like; never shows
            its value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as fault:
        raise ConfigurationError(_explain(fault)) from None


def _explain(fault: ValidationError) -> str:
    lines = []
    for error in fault.errors(include_input=False, include_url=False, include_context=False):
        name = "_".join(str(part) for part in error["loc"][:1])
        message = error["msg"].removeprefix("Value error, ")
        if not name:
            lines.append(message)
            continue
        field = Settings.model_fields.get(name)
        hint = f" ({field.description})" if field is not None and field.description else ""
        lines.append(f"HANDOFF_{name.upper()}: {message[:1].lower()}{message[1:]}{hint}")
    return "\n".join(lines)
