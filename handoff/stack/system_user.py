"""The system's user that the servers run as, what it can reach, and how programs are brought to it.

PostgreSQL refuses to run as root, and the other servers need no root either. Started by root, the
servers run as whoever owned the data directory, or as `nobody` when that was root. No directory
that is closed to that user is ever opened to it: what it needs is linked or copied instead, into
one that is closed to everybody else.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handoff.errors import ConfigurationError
from handoff.stack.files import Owner, make_directory

THROUGH = 0o710
"""Of a directory that its group may pass through, to what it knows by name, and nothing else."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user that a server runs as, when that is not the one who started the stack."""

    uid: int
    gid: int

    @property
    def owner(self) -> Owner:
        """The same for a file's owner."""
        return self.uid, self.gid

    def can_reach(self, path: Path) -> bool:
        """Whether it may enter every directory above `path`, and use what is there."""
        resolved = path.resolve()
        return all(self._may_enter(part) for part in (resolved, *resolved.parents))

    def may_use(self, file: Path) -> bool:
        """Whether it may read a file that it has reached, and run it if anybody may."""
        mode = file.stat().st_mode
        needed = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        return self._bits(file) & needed == needed

    def _may_enter(self, path: Path) -> bool:
        return bool(self._bits(path) & stat.S_IXOTH)

    def _bits(self, path: Path) -> int:
        """What it may do there, as the three bits that others have."""
        facts = path.stat()
        if facts.st_uid == self.uid:
            return facts.st_mode >> 6 & 0o7
        if facts.st_gid == self.gid:
            return facts.st_mode >> 3 & 0o7
        return facts.st_mode & 0o7


def server_user(data_dir: Path) -> SystemUser | None:
    """None when the servers simply run as whoever started the stack.

    Raises:
        ConfigurationError: that user has no entry in the system's list, and initdb needs one.
    """
    if os.geteuid() != 0:
        known(os.geteuid())
        return None
    owner = data_dir.stat()
    if owner.st_uid != 0:
        return SystemUser(known(owner.st_uid), owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return SystemUser(nobody.pw_uid, nobody.pw_gid)


def known(uid: int) -> int:
    """The user, if the system has an entry for it; else raises `ConfigurationError`."""
    try:
        return pwd.getpwuid(uid).pw_uid
    except KeyError:
        raise ConfigurationError(
            f"PostgreSQL would run as user {uid}, whom this system does not know; "
            "run as another user, or choose a --data-dir that belongs to one it knows"
        ) from None


def bring_programs(roots: tuple[Path, ...], into: Path, *, user: SystemUser) -> Path:
    """Links or copies what lies side by side into `into`, once per version of it.

    What is linked keeps its rights, which may be everybody's, so `into` lets nobody else in.

    Returns:
        The directory that stands for the one in which the roots were.
    """
    make_directory(into, owner=user.owner)
    stamp = "|".join(f"{root}:{root.stat().st_mtime_ns}" for root in roots)
    target = into / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    if target.exists():
        return target
    # Made beside its place, where nobody else writes, and renamed: a crash leaves nothing that
    # looks complete, and no link of anybody's is followed.
    draft = into.with_name(f".{into.name}.{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    make_directory(draft)
    for root in roots:
        for source in _files(root):
            copy = draft / source.relative_to(root.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source, copy, user)
    for directory in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    draft.rename(target)
    return target


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    else:
        yield from (path for path in root.rglob("*") if path.is_file())


def _link_or_copy(source: Path, copy: Path, user: SystemUser) -> None:
    # Installed under a strict umask, a file is its owner's alone, and so would be a link to it.
    if user.may_use(source):
        with contextlib.suppress(OSError):
            os.link(source, copy)
            return
    shutil.copy2(source, copy)
    copy.chmod(0o755 if copy.stat().st_mode & stat.S_IXUSR else 0o644)
