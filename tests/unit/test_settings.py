"""Settings: what is read, and what is said of a value that cannot be used."""

from datetime import timedelta

import pytest

from handoff.addresses import SmtpAddress
from handoff.errors import ConfigurationError
from handoff.keys import keyring_of
from handoff.settings import Settings, load_settings

SECRET = "a-secret-that-must-never-be-shown-anywhere"
GIVEN = {
    "HANDOFF_DATABASE_URL": f"postgresql://handoff:{SECRET}@db.test/handoff",
    "HANDOFF_REDIS_URL": f"redis://:{SECRET}@redis.test",
    "HANDOFF_SMTP_URL": f"smtp://handoff:{SECRET}@mail.test",
    "HANDOFF_AUTH_SECRET": SECRET,
    "HANDOFF_PAYLOAD_KEYS": f"2026:{SECRET}",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HANDOFF_{name.upper()}", raising=False)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    return refused.value.detail


def test_few_settings_are_enough() -> None:
    assert load_settings().claim_timeout == timedelta(minutes=15)


def test_payload_keys_derive_from_the_secret_and_are_needed_where_there_is_none(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("HANDOFF_PAYLOAD_KEYS")
    assert keyring_of(load_settings()).writer is not None
    environment.delenv("HANDOFF_AUTH_SECRET")
    environment.setenv("HANDOFF_AUTH_JWKS_URL", "https://id.example.com/keys")
    assert "HANDOFF_PAYLOAD_KEYS" in refusal()


@pytest.mark.parametrize(
    ("name", "looks_like"),
    [
        ("HANDOFF_DATABASE_URL", "postgresql://user:password@host:5432/name"),
        ("HANDOFF_REDIS_URL", "redis://:password@host:6379/0"),
        ("HANDOFF_SMTP_URL", "smtp://user:password@host:587"),
        ("HANDOFF_AUTH_SECRET", "HANDOFF_AUTH_JWKS_URL"),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_one_is_named_and_described(
    name: str, looks_like: str, value: str | None, environment: pytest.MonkeyPatch
) -> None:
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    said = refusal()
    assert name in said
    assert looks_like in said
    assert len(said.splitlines()) == 1


def test_all_that_is_wrong_is_said_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in GIVEN:
        environment.delenv(name)
    environment.setenv("HANDOFF_MAX_ROUNDS", "none")
    said = refusal()
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "MAX_ROUNDS"):
        assert f"HANDOFF_{name}: " in said


@pytest.mark.parametrize(
    ("name", "value", "looks_like"),
    [
        ("DATABASE_URL", "mysql://root@db.test/handoff", "postgresql://"),
        ("DATABASE_URL", "postgresql://db.test:port/handoff", "postgresql://"),
        ("DATABASE_URL", "db.test", "postgresql://"),
        ("REDIS_URL", "http://redis.test", "redis://"),
        ("REDIS_URL", "redis.test:6379", "redis://"),
        ("SMTP_URL", "smtps://mail.test", "smtp://"),
        ("SMTP_URL", "smtp://mail.test?tls=maybe", "starttls, implicit, none"),
        ("SMTP_URL", "smtp://[::1", "smtp://"),
        ("SMTP_FROM", "Handoff", "Handoff <handoff@example.com>"),
        ("SMTP_FROM", "a@b.test\nBcc: x@y.test", "Handoff <handoff@example.com>"),
        ("SMTP_CONNECTIONS", "0", "greater than or equal to 1"),
        ("AUTH_SECRET", "short", "openssl rand -hex 32"),
        ("AUTH_LEEWAY", "61s", "at most 60s"),
        ("AUTH_LEEWAY", "-1s", "at most 60s"),
        ("PAYLOAD_KEYS", "short", "openssl rand -hex 32"),
        ("PAYLOAD_KEYS", f"{SECRET},{SECRET}", "twice"),
        ("PUBLIC_URL", "handoff.example.com", "https://handoff.example.com"),
        ("FILES_URL", "https://files.example.com/bucket", "s3://bucket"),
        ("FILES_URL", "s3://Bucket", "s3://bucket"),
        ("FILES_URL", "s3://bucket/../other", "s3://bucket"),
        ("FILES_URL", "s3://key:secret@bucket", "s3://bucket"),
        ("CLAIM_TIMEOUT", "0s", "15m"),
        ("CLAIM_TIMEOUT", "-PT5M", "15m"),
        ("MAX_ROUNDS", "21", "less than or equal to 20"),
        ("MAX_ROUNDS", "many", "integer"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_bad_one_is_named_and_what_it_should_look_like(
    name: str, value: str, looks_like: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(f"HANDOFF_{name}", value)
    said = refusal()
    assert said.startswith(f"HANDOFF_{name}: ")
    assert looks_like in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("value", ["soon", "90", "-2s", "15 m s", "15m 3"])
def test_what_is_no_duration_is_told_what_one_looks_like(
    value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HANDOFF_SMTP_TIMEOUT", value)
    said = refusal()
    assert said.startswith("HANDOFF_SMTP_TIMEOUT: ")
    assert "15m" in said


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_wrong_with_a_secret_does_not_show_it(
    name: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, f"gopher://{SECRET}:{SECRET}")
    environment.setenv("HANDOFF_MAX_ROUNDS", "0")
    assert SECRET not in refusal()


def test_settings_can_be_logged_without_their_secrets() -> None:
    settings = load_settings()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("2s", 2),
        ("1.5s", 1.5),
        ("15m", 900),
        ("1h30m", 5400),
        ("7d", 604_800),
        (" 15M ", 900),
        ("PT15M", 900),
        ("P1DT2H", 93_600),
    ],
)
def test_durations_are_read(text: str, seconds: float, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HANDOFF_CLAIM_TIMEOUT", text)
    assert load_settings().claim_timeout == timedelta(seconds=seconds)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_usual_way_to_name_postgresql_will_do(
    scheme: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HANDOFF_DATABASE_URL", f"{scheme}://me:p%40ss@db.test:5433/it")
    assert load_settings().database_dsn == "postgresql+asyncpg://me:p%40ss@db.test:5433/it"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("HTTPS://Desk.Test:443/", "https://desk.test"),
        ("http://desk:80", "http://desk"),
        ("http://desk:8080", "http://desk:8080"),
        ("https://bücher.test", "https://xn--bcher-kva.test"),
        ("https://XN--BCHER-KVA.test:8443/", "https://xn--bcher-kva.test:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_public_address_is_kept_as_browsers_say_it(
    given: str, kept: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HANDOFF_PUBLIC_URL", given)
    assert load_settings().public_url == kept


@pytest.mark.parametrize(
    "given",
    [
        "https://desk.test/handoff",
        "https://desk.test/?a=1",
        "https://desk.test/#x",
        "https://me:secret@desk.test",
        "https://desk test",
        "https://",
        "desk.test",
        "ftp://desk.test",
        "https://desk.test:port",
        "https://desk.test:99999",
    ],
)
def test_a_public_address_that_cannot_be_one(given: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HANDOFF_PUBLIC_URL", given)
    assert refusal().startswith("HANDOFF_PUBLIC_URL: ")


def test_a_public_address_is_kept_without_its_last_slash(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HANDOFF_PUBLIC_URL", "https://desk.test/")
    assert load_settings().public_url == "https://desk.test"


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.test", 587, "starttls"),
        ("smtp://mail.test?tls=implicit", 465, "implicit"),
        ("smtp://mail.test?tls=none", 25, "none"),
        ("smtp://mail.test:2525?tls=none", 2525, "none"),
    ],
)
def test_the_mail_server_has_its_usual_port(url: str, port: int, tls: str) -> None:
    address = SmtpAddress(url)
    assert (address.host, address.port, address.tls) == ("mail.test", port, tls)
    assert (address.username, address.password) == (None, None)


def test_a_mail_password_may_hold_anything() -> None:
    address = SmtpAddress("smtp://me%40acme.test:p%3A%2F%40ss@mail.test")
    assert (address.username, address.password) == ("me@acme.test", "p:/@ss")
