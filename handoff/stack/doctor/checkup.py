"""What `handoff doctor` finds out about this machine and this data directory. Changes nothing.

What must answer over a connection is asked in `reach.py`.
"""

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from handoff.errors import ConfigurationError
from handoff.stack.environment import check_settings
from handoff.stack.plan import API_PORT
from handoff.stack.ports import is_free
from handoff.stack.servers import postgres, temporal, valkey
from handoff.stack.system_user import THROUGH

# Each embedded server, the variable that names another one instead, and where its program is.
_EMBEDDED = (
    ("postgres", "HANDOFF_DATABASE_URL", postgres.find_program),
    ("valkey", "HANDOFF_REDIS_URL", valkey.find_program),
    ("temporal", "TEMPORAL_ADDRESS", temporal.find_program),
)
_PYTHON = (3, 11)
_ROOM = 1024**3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the doctor's. `code` is what it adds to the exit code: 0 when all is well."""

    what: str
    detail: str
    code: int = 0
    mend: str = ""


def examine(data_dir: Path, environment: Mapping[str, str], *, runs: bool) -> Iterator[Diagnosis]:
    yield _python()
    yield _settings(environment)
    yield from _programs(environment)
    yield _directory(data_dir)
    yield _disk(data_dir)
    if not runs:
        yield _port()


def _python() -> Diagnosis:
    version = sys.version.partition(" ")[0]
    if sys.version_info < _PYTHON:
        return Diagnosis("python", version, 1, "install Python 3.11 or newer, then `make setup`")
    return Diagnosis("python", version)


def _settings(environment: Mapping[str, str]) -> Diagnosis:
    try:
        check_settings(environment)
    except ConfigurationError as fault:
        return Diagnosis("settings", fault.detail, 78, "set the variables named, or unset them")
    return Diagnosis("settings", "every one that is set can be read")


def _programs(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    for name, variable, find in _EMBEDDED:
        if variable in environment:
            yield Diagnosis(name, f"not needed, since {variable} is set")
            continue
        try:
            program = find()
        except ConfigurationError as fault:
            yield Diagnosis(name, "missing", 1, fault.detail)
            continue
        if os.access(program, os.X_OK):
            yield Diagnosis(name, "its program is here")
        else:
            yield Diagnosis(name, f"{program} cannot be run", 1, "remove .venv, then `make setup`")


def _directory(data_dir: Path) -> Diagnosis:
    what = "data directory"
    if not data_dir.exists():
        return Diagnosis(what, f"{data_dir} is made by the first `handoff up`")
    mode = stat.S_IMODE(data_dir.stat().st_mode)
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        return Diagnosis(what, f"{data_dir} is not yours", 1, "choose another with --data-dir")
    if mode & 0o077 & ~THROUGH:
        return Diagnosis(
            what, f"others can look into {data_dir} (mode {mode:o})", 1, f"chmod 700 {data_dir}"
        )
    return Diagnosis(what, f"{data_dir} is yours alone")


def _disk(data_dir: Path) -> Diagnosis:
    there = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 1024**3:.1f} GiB free"
    return Diagnosis("disk", detail) if free > _ROOM else Diagnosis("disk", detail, 1, "make room")


def _port() -> Diagnosis:
    if is_free(API_PORT):
        return Diagnosis("port", f"{API_PORT} is free")
    return Diagnosis("port", f"{API_PORT} is busy: `handoff up` takes the next free one")
