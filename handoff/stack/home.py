"""Where a stack lives: its data directory, held by one supervisor at a time, and its secrets."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handoff.errors import ConfigurationError
from handoff.stack.annex import open_annex
from handoff.stack.files import read_json_object, write_private_json
from handoff.stack.lock import lock, was_locked
from handoff.stack.state import remove_state
from handoff.stack.system_user import SystemUser, bring_programs, server_user

PROGRAMS = "programs"
"""The directory of the servers' programs, where they cannot reach those that were installed."""

_SECRETS = "secrets.json"


@dataclass(frozen=True, slots=True)
class Home:
    """`data_dir` is ours alone; `servers_dir` is where the servers keep their files."""

    data_dir: Path
    servers_dir: Path
    runs_as: SystemUser | None

    def secret(self, name: str) -> str:
        """A random secret of this stack, made at its first use and kept with mode 0600."""
        kept = read_json_object(self.data_dir / _SECRETS)
        if name not in kept:
            kept[name] = secrets.token_hex(32)
            write_private_json(self.data_dir / _SECRETS, kept)
        return str(kept[name])

    def server_directory(self, name: str) -> Path:
        """A directory that belongs to the servers' user, and to nobody else."""
        path = self.servers_dir / name
        path.mkdir(mode=0o700, exist_ok=True)
        if self.runs_as is not None:
            os.chown(path, self.runs_as.uid, self.runs_as.gid)
        return path

    def own_directory(self, name: str) -> Path:
        """A directory that belongs to whoever runs the supervisor."""
        path = self.data_dir / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def programs(self, *roots: Path) -> Path:
        """The directory in which `roots`, which lie side by side, can be run by the servers."""
        if self.runs_as is None or all(self.runs_as.can_reach(root) for root in roots):
            return roots[0].parent
        return bring_programs(roots, into=self.servers_dir / PROGRAMS, user=self.runs_as)


@contextlib.contextmanager
def hold_home(data_dir: Path) -> Iterator[Home]:
    """Makes the data directory, readable by its owner only, and holds it.

    Raises:
        ConfigurationError: the directory holds something else, or cannot be used.
        DataDirectoryInUse: another stack runs there.
    """
    with contextlib.ExitStack() as holding:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            data_dir = data_dir.resolve()
            _refuse_foreign(data_dir)
            holding.enter_context(lock(data_dir))
            # At once: with the lock held, what a killed supervisor left would look like ours.
            remove_state(data_dir)
            home = _prepare(data_dir)
        except OSError as fault:
            raise ConfigurationError(
                f"the data directory {data_dir} cannot be used ({fault.strerror}); "
                "choose another with --data-dir"
            ) from fault
        yield home


def _refuse_foreign(data_dir: Path) -> None:
    # Its mode and owner are about to change, which would be a disaster for a home directory.
    if any(data_dir.iterdir()) and not was_locked(data_dir):
        raise ConfigurationError(
            f"{data_dir} is not empty and not a Handoff data directory; choose another --data-dir"
        )


def _prepare(data_dir: Path) -> Home:
    runs_as = server_user(data_dir)
    if runs_as is not None:
        os.chown(data_dir, runs_as.uid, runs_as.gid)
    data_dir.chmod(0o700)
    home = Home(data_dir, data_dir, runs_as)
    if runs_as is None or runs_as.can_reach(data_dir):
        return home
    return Home(data_dir, open_annex(data_dir, home.secret("annex")[:16], runs_as), runs_as)
