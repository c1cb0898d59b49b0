"""Where the servers of a stack keep their files when the way to its data directory is closed to
them, as it is below `/root`: a directory of their own, which lasts as long as the data directory.
"""

import contextlib
import os
import shutil
from pathlib import Path

from handoff.stack.files import take_over, touch
from handoff.stack.system_user import THROUGH, SystemUser

ANNEXES = Path("/var/lib/handoff")
_ANCHOR = "anchor"


def open_annex(data_dir: Path, name: str, runs_as: SystemUser) -> Path:
    """The annex of this data directory; annexes of directories that were deleted are removed."""
    ANNEXES.mkdir(mode=0o755, parents=True, exist_ok=True)
    take_over(ANNEXES, mode=0o755)
    _drop_anchor(data_dir, name)
    _remove_orphans()
    annex = ANNEXES / name
    with contextlib.suppress(FileExistsError):
        annex.mkdir(mode=0o700)
    take_over(annex, mode=THROUGH, group=runs_as.gid)
    return annex


def _drop_anchor(data_dir: Path, name: str) -> None:
    """One file with two names, one of them in the data directory, which may be moved but not lost.

    Across file systems there is no such file, and the annex stays until somebody removes it. A
    directory that was moved to another one is anchored anew, before it could look deleted.
    """
    ours, theirs = data_dir / _ANCHOR, ANNEXES / f"{name}.{_ANCHOR}"
    touch(ours, names=2)
    if theirs.exists() and not theirs.samefile(ours):
        theirs.unlink()
    with contextlib.suppress(OSError):
        os.link(ours, theirs, follow_symlinks=False)


def _remove_orphans() -> None:
    for anchor in ANNEXES.glob(f"*.{_ANCHOR}"):
        with contextlib.suppress(FileNotFoundError):
            if anchor.stat().st_nlink == 1:
                shutil.rmtree(ANNEXES / anchor.stem, ignore_errors=True)
                anchor.unlink()
