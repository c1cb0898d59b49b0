"""What somebody has given to a command is never passed over for a stack that happens to run."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from handoff.cli import context
from handoff.cli.parts import environment_of
from handoff.stack.state import StackState

STACK = SimpleNamespace(
    database_url="postgresql://handoff:secret@127.0.0.1:30001/handoff",
    redis_url="redis://127.0.0.1:30002",
    smtp_url="smtp://127.0.0.1:30003?tls=none",
    public_url="http://127.0.0.1:8000",
    auth_secret="a secret of the stack, at least 32 bytes",
    auth_jwks_url=None,
    payload_keys="stack:a-payload-key-of-the-stack-32-bytes-long",
)


@pytest.fixture
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "read_state", lambda _: STACK)


@pytest.mark.usefixtures("_stack")
def test_the_running_stack_is_used_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDOFF_DATABASE_URL", raising=False)
    settings = context.settings_for(Path("somewhere"))
    assert context.database_of(settings) == "127.0.0.1:30001/handoff"


@pytest.mark.usefixtures("_stack")
def test_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    given = "postgresql://me:hush@db.example.com/support"
    monkeypatch.setenv("HANDOFF_DATABASE_URL", given)
    settings = context.settings_for(Path("somewhere"))
    assert settings.database_url.get_secret_value() == given
    assert context.database_of(settings) == "db.example.com:5432/support"


RUNNING = StackState(
    database_url=STACK.database_url,
    redis_url=STACK.redis_url,
    smtp_url=STACK.smtp_url,
    temporal_address="127.0.0.1:7233",
    temporal_namespace="handoff",
    public_url=STACK.public_url,
    operator_url="http://127.0.0.1:9464",
)


@pytest.mark.parametrize(
    ("given", "embedded"),
    [
        ({}, "1"),
        ({"HANDOFF_DATABASE_URL": RUNNING.database_url}, "1"),
        ({"HANDOFF_DATABASE_URL": "postgresql://me:hush@db.example.com/support"}, None),
    ],
)
def test_signing_in_as_anybody_is_for_the_stacks_own_people(
    given: dict[str, str], embedded: str | None
) -> None:
    environment = environment_of(RUNNING, given)
    assert environment.get("HANDOFF_EMBEDDED") == embedded
    assert environment["TEMPORAL_ADDRESS"] == "127.0.0.1:7233"
