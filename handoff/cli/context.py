"""What commands share: the settings of the running stack, or of the environment."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from handoff.errors import ConfigurationError
from handoff.settings import Settings, load_settings
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
    """The settings of the stack that runs in `data_dir`; of the environment where none runs."""
    state = read_state(data_dir)
    if state is not None:
        return load_settings(**_overrides(state))
    try:
        return load_settings()
    except ConfigurationError as fault:
        hint = f"No stack runs in {data_dir}. Start one with `handoff up`, or set what is missing:"
        raise ConfigurationError(f"{hint}\n{fault.detail}") from None


def _overrides(state: StackState) -> dict[str, Any]:
    found = {name: getattr(state, name) for name in _FROM_STACK}
    return {name: value for name, value in found.items() if value is not None}


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine to its end: typer itself never awaits."""
    return asyncio.run(work)
