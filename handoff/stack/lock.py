"""Who holds a data directory. The lock is the kernel's: it is given back however its holder ends,
so nobody has to judge by pids.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from handoff.errors import HandoffError
from handoff.stack.files import open_own

_LOCK = "lock"
# Whoever asks `is_held` tries the lock for an instant, so one refusal proves nothing.
_PATIENCE = 0.5


class DataDirectoryInUse(HandoffError):
    """Another stack runs in this data directory."""

    title = "The data directory is in use"


@contextlib.contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Holds the directory.

    Raises:
        DataDirectoryInUse: somebody else does.
    """
    descriptor = open_own(data_dir / _LOCK, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DataDirectoryInUse(
                        f"another stack runs in {data_dir}; stop it, or choose another --data-dir"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def is_held(data_dir: Path) -> bool:
    """Whether a supervisor holds the directory at this moment."""
    try:
        descriptor = open_own(data_dir / _LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def was_locked(data_dir: Path) -> bool:
    """Whether it has ever been a data directory of ours."""
    place = data_dir / _LOCK
    return place.is_file() and not place.is_symlink()
