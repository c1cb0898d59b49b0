"""What commands share: the settings of the running stack, or of the environment."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from handoff.errors import ConfigurationError
from handoff.settings import Settings, load_settings
from handoff.stack.environment import inherited_environment
from handoff.stack.state import StackState, read_state

DataDir = Annotated[Path, typer.Option(help="Where `handoff up` keeps its stack.")]
Result = TypeVar("Result")
DATA_DIR = Path(".handoff")

_FROM_STACK = (
    "database_url",
    "redis_url",
    "smtp_url",
    "public_url",
    "auth_secret",
    "auth_jwks_url",
    "payload_keys",
)


def settings_for(data_dir: Path) -> Settings:
    """The settings of the environment, and where it says nothing those of the stack that runs in
    `data_dir`: what somebody has given is never passed over for what happens to run."""
    state = read_state(data_dir)
    if state is not None:
        given = inherited_environment()
        stacks = _overrides(state).items()
        return load_settings(
            **{name: value for name, value in stacks if f"HANDOFF_{name.upper()}" not in given}
        )
    try:
        return load_settings()
    except ConfigurationError as fault:
        hint = f"No stack runs in {data_dir}. Start one with `handoff up`, or set what is missing:"
        raise ConfigurationError(f"{hint}\n{fault.detail}") from None


def _overrides(state: StackState) -> dict[str, Any]:
    found = {name: getattr(state, name) for name in _FROM_STACK}
    return {name: value for name, value in found.items() if value is not None}


def database_of(settings: Settings) -> str:
    """Which database a command talks to, for people: without its user and password."""
    parts = urlsplit(settings.database_url.get_secret_value())
    return f"{parts.hostname or 'local'}:{parts.port or 5432}{parts.path}"


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine to its end: typer itself never awaits."""
    return asyncio.run(work)
