"""Files that only their owner may read, written whole or not at all, and opened without following
links: started by root, the stack must not be led elsewhere by what the servers' user has planted.

Knows nothing about parts; every file that the stack writes for itself goes through here.
"""

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handoff.errors import ConfigurationError

_UNFOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC

Owner = tuple[int, int]
"""A user's id and a group's."""


def open_own(path: Path, flags: int, *, names: int = 1) -> int:
    """A descriptor of a file of ours in a directory of ours; made with mode 0600 where flags say.

    `names`: how many the file may have at most.

    Raises:
        FileNotFoundError: there is none.
        ConfigurationError: it is a link, no plain file, or somebody else's.
    """
    with _directory(path.parent) as place, _unfollowed(path):
        # A pipe that somebody has put there would be waited for.
        descriptor = os.open(path.name, flags | _UNFOLLOWED | os.O_NONBLOCK, 0o600, dir_fd=place)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or not _is_ours(facts) or facts.st_nlink > names:
        os.close(descriptor)
        raise _planted(path)
    return descriptor


def touch(path: Path, *, names: int = 1) -> None:
    """Makes the file where there is none."""
    os.close(open_own(path, os.O_WRONLY | os.O_CREAT, names=names))


def write_private(path: Path, content: bytes, *, owner: Owner | None = None) -> None:
    """Replaces `path` at once: a reader, or a crash, sees the old content or all of the new.

    `owner`: whose it is then, if not ours.
    """
    temporary = f".{path.name}.{secrets.token_hex(4)}"
    with _directory(path.parent) as place:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _UNFOLLOWED
        descriptor = os.open(temporary, flags, 0o600, dir_fd=place)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path.name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=place)
            raise
        os.fsync(place)


def make_directory(path: Path, *, mode: int = 0o700, owner: Owner | None = None) -> None:
    """A directory of ours, or of `owner`, below one of ours; one that is there becomes so.

    Raises:
        ConfigurationError: there is something else, or somebody else's.
    """
    with _directory(path.parent) as place:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, 0o700, dir_fd=place)
        with _unfollowed(path):
            descriptor = os.open(path.name, os.O_DIRECTORY | _UNFOLLOWED, dir_fd=place)
    try:
        facts = os.fstat(descriptor)
        if not _is_ours(facts) and facts.st_uid != (owner or (None,))[0]:
            raise _planted(path)
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def take_over(path: Path, *, mode: int, group: int | None = None) -> None:
    """Makes a directory ours, whosever it was, and the group's."""
    with _unfollowed(path):
        descriptor = os.open(path, os.O_DIRECTORY | _UNFOLLOWED)
    try:
        if group is not None:
            os.fchown(descriptor, os.geteuid(), group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """A rename is only kept over a power cut once its directory is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private_json(path: Path, content: Any) -> None:
    write_private(path, json.dumps(content, indent=2).encode() + b"\n")


def read_json_object(path: Path) -> dict[str, Any]:
    """What the file holds; empty when it is missing or unreadable as a JSON object."""
    try:
        with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
            content = json.loads(file.read())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_of_others(path: Path, *, most: int = 4096) -> str:
    """The beginning of a plain file that may be anybody's.

    Raises:
        OSError: there is none.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _UNFOLLOWED)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no plain file", str(path))
        return file.read(most).decode(errors="replace")


@contextlib.contextmanager
def _directory(path: Path) -> Iterator[int]:
    with _unfollowed(path):
        descriptor = os.open(path, os.O_DIRECTORY | _UNFOLLOWED)
    try:
        if not _is_ours(os.fstat(descriptor)):
            raise _planted(path)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _unfollowed(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        # A link; something that is no directory; a directory or a pipe where a file is written.
        if fault.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
            raise _planted(path) from None
        raise


def _is_ours(facts: os.stat_result) -> bool:
    return facts.st_uid == os.geteuid()


def _planted(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is a link, or belongs to somebody else: remove it if it should not be there, "
        "run as its owner, or choose another --data-dir"
    )
