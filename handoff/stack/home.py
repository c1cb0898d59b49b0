"""Where a stack lives: its data directory, held by one supervisor at a time, and its secrets."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handoff.errors import ConfigurationError
from handoff.stack.annex import open_annex
from handoff.stack.files import (
    Owner,
    make_directory,
    read_json_object,
    take_over,
    write_private_json,
)
from handoff.stack.lock import lock, was_locked
from handoff.stack.state import remove_state
from handoff.stack.system_user import THROUGH, SystemUser, bring_programs, known, server_user

PROGRAMS = "programs"
"""The directory of the servers' programs, where they cannot reach those that were installed."""

_SECRETS = "secrets.json"
_ACCOUNT = "account.json"
"""The servers' user, kept for the next start."""


@dataclass(frozen=True, slots=True)
class Home:
    """`data_dir` is ours, and nobody else writes or reads there; `servers_dir`, ours too, is where
    each server has a directory of its own."""

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

    @property
    def servers_owner(self) -> Owner | None:
        """Whose the servers' files are; None for ours."""
        return None if self.runs_as is None else self.runs_as.owner

    def server_directory(self, name: str) -> Path:
        """A directory that belongs to the servers' user, and to nobody else."""
        path = self.servers_dir / name
        make_directory(path, owner=self.servers_owner)
        return path

    def passage(self, name: str) -> Path:
        """A directory of ours in which the servers' user can reach what belongs to it."""
        path = self.servers_dir / name
        if self.runs_as is None:
            make_directory(path)
        else:
            make_directory(path, mode=THROUGH, owner=(os.geteuid(), self.runs_as.gid))
        return path

    def own_directory(self, name: str) -> Path:
        """A directory that belongs to whoever runs the supervisor."""
        path = self.data_dir / name
        make_directory(path)
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
            runs_as = _take(data_dir)
            holding.enter_context(lock(data_dir))
            # At once: with the lock held, what a killed supervisor left would look like ours.
            remove_state(data_dir)
            home = _prepare(data_dir, runs_as)
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


def _take(data_dir: Path) -> SystemUser | None:
    """Makes the directory ours: what lies there decides what a supervisor of root's opens.

    Returns:
        The servers' user, if that is another one.
    """
    runs_as = server_user(data_dir)
    if runs_as is None:
        take_over(data_dir, mode=0o700)
        return None
    take_over(data_dir, mode=THROUGH, group=runs_as.gid)
    # From now on the directory does not say any more whose it was.
    kept = read_json_object(data_dir / _ACCOUNT)
    if kept:
        return SystemUser(known(int(kept["uid"])), int(kept["gid"]))
    write_private_json(data_dir / _ACCOUNT, {"uid": runs_as.uid, "gid": runs_as.gid})
    return runs_as


def _prepare(data_dir: Path, runs_as: SystemUser | None) -> Home:
    home = Home(data_dir, data_dir, runs_as)
    if runs_as is None or runs_as.can_reach(data_dir):
        return home
    return Home(data_dir, open_annex(data_dir, home.secret("annex")[:16], runs_as), runs_as)
