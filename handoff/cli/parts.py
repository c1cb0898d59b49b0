"""`handoff api`, `handoff worker`, `handoff migrate`: the parts, for production.

The rooms above the core are started as processes: nothing here imports them.
"""

import os
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from handoff.cli.context import DATA_DIR, DataDir, database_of, settings_for
from handoff.cli.terminal import tell
from handoff.stack.environment import inherited_environment
from handoff.stack.state import StackState, read_state


def api(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 8000,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Serve HTTP until told to stop."""
    _become(data_dir, "api", "--host", host, "--port", str(port))


def worker(data_dir: DataDir = DATA_DIR) -> None:
    """Carry out handoffs until told to stop."""
    _become(data_dir, "worker")


def migrate(data_dir: DataDir = DATA_DIR) -> None:
    """Bring the database's schema up to date. Safe to run twice, or at once."""
    settings = settings_for(data_dir)
    tell(f"database {database_of(settings)}")
    from handoff.database import schema

    schema.upgrade(settings.database_dsn)


def _become(data_dir: DataDir, room: str, *arguments: str) -> None:
    """This process turns into the part, so that signals and its exit code are the part's own."""
    settings_for(data_dir)
    environment = environment_of(read_state(data_dir), inherited_environment())
    # -P: a directory of the same name where we were started must not be run instead.
    command = [sys.executable, "-P", "-m", room, *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own module, no shell


def environment_of(state: StackState | None, given: Mapping[str, str]) -> dict[str, str]:
    """What is given wins, as for every command; the rest is the running stack's."""
    if state is None:
        return dict(given)
    stacks = state.as_environment()
    if given.get("HANDOFF_DATABASE_URL", state.database_url) != state.database_url:
        # Whoever stands before this machine may act as anybody of the stack, and of nothing else.
        del stacks["HANDOFF_EMBEDDED"]
    return {**stacks, **given}
