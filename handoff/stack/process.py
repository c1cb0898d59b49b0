"""One child process that can't outlive its supervisor and never hears the terminal's Ctrl-C.

The rules for starting, recognising and ending processes; nothing about what they run.
"""

import contextlib
import ctypes
import os
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypedDict

from handoff.stack.system_user import SystemUser

_LINUX = platform.system() == "Linux"
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: the child between fork and exec must not have to load anything.
_libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None


@dataclass(frozen=True, slots=True)
class Invocation:
    """What to run. The environment is exactly `environment`; nothing is inherited."""

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes | None = None
    directory: Path | None = None
    runs_as: SystemUser | None = None


def spawn(
    invocation: Invocation, *, output: IO[bytes], death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Starts the program in a session of its own, to be ended by the kernel if we die (Linux)."""
    process = subprocess.Popen(  # noqa: S603 - the callers name programs, never a user's text
        invocation.arguments,
        env=dict(invocation.environment),
        cwd=invocation.directory,
        stdin=subprocess.PIPE if invocation.stdin is not None else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,
        # After the change of user, which would clear the death signal again.
        preexec_fn=_dies_with_us(death_signal),
        **_as_user(invocation.runs_as),
    )
    if invocation.stdin is not None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(invocation.stdin)
    return process


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _as_user(user: SystemUser | None) -> _Identity:
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


def _dies_with_us(death_signal: signal.Signals) -> Callable[[], None] | None:
    # The kernel watches the thread that forked, so only the main thread may ask for this.
    if _libc is None or threading.current_thread() is not threading.main_thread():
        return None
    libc, parent = _libc, os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # We died before the kernel was told.
            os._exit(1)

    return in_child


def started_at(pid: int) -> float | None:
    """When the process began, in seconds since the epoch; None when there is none."""
    if _LINUX:
        ticks = _ticks_at_start(pid)
        if ticks is None:
            return None
        boot = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime ")
        )
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    told = _ask_ps(pid)
    return time.mktime(time.strptime(told, "%a %b %d %H:%M:%S %Y")) if told else None


def birth_mark(pid: int) -> str | None:
    """What tells a process from a later one with the same pid; None when there is none."""
    if _LINUX:
        ticks = _ticks_at_start(pid)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if ticks is None else f"{boot} {ticks}"
    return _ask_ps(pid)


def _ticks_at_start(pid: int) -> int | None:
    try:
        facts = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything; the start is the 20th field after it.
    fields = facts.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _ask_ps(pid: int) -> str | None:
    told = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None


def end_leftover(pid: int, mark: str, *, ask_with: signal.Signals, within: float) -> None:
    """Ends a process of an earlier supervisor: asked first, killed with its group when deaf."""
    deadline = time.monotonic() + within
    if birth_mark(pid) == mark:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ask_with)
    while birth_mark(pid) == mark:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.02)
