"""What the stack's processes take: memory, shared pages counted once (the kernel's PSS), and CPU.

CPU per act is what stays comparable on a machine that is busy with other things. Linux only.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from bench.report import Line

_MEGABYTE = 1024  # smaps counts in kilobytes


def memory(when: str, supervisor: int, *, most: int) -> Line:
    """Every process below the supervisor, and itself."""
    if not Path("/proc").is_dir():
        return Line(f"memory, {when}", "only Linux can say")
    total = sum(map(_proportional, [supervisor, *_below(supervisor)])) / _MEGABYTE
    return Line(
        f"memory of the stack, {when}",
        f"{total:.0f} MB",
        target=f"≤ {most} MB",
        met=total <= most,
    )


def memory_of(pid: int) -> float:
    """One process with all below it, in kilobytes."""
    return float(sum(map(_proportional, [pid, *_below(pid)])))


def memory_by_part(pids: Mapping[str, int]) -> str:
    """Each part with its own processes."""
    sizes = {
        name: sum(map(_proportional, [pid, *_below(pid)])) / _MEGABYTE for name, pid in pids.items()
    }
    return ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU that each part has used so far."""
    return {name: sum(map(_cpu, [pid, *_below(pid)])) for name, pid in pids.items()}


def costs_at_most(
    what: str, before: Mapping[str, float], after: Mapping[str, float], acts: int, most: float
) -> Line:
    """The CPU of all parts for each act, with the milliseconds that it may take."""
    each = sum(after[name] - before[name] for name in before) / acts * 1000
    return Line(
        what,
        f"{each:.1f} ms",
        target=f"≤ {most:g} ms",
        met=each <= most,
        cost=cost(before, after, acts),
    )


def cost(before: Mapping[str, float], after: Mapping[str, float], acts: int) -> str:
    """What each act has cost between two looks."""
    used = {name: (after[name] - before[name]) / acts * 1000 for name in before}
    parts = ", ".join(f"{name} {value:.1f}" for name, value in used.items())
    return f"{sum(used.values()):.1f} ms of CPU each: {parts}"


def _below(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        found = [int(child) for file in children for child in file.read_text().split()]
    except OSError:
        return []
    return [*found, *(grandchild for child in found for grandchild in _below(child))]


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # User and system time, its own and that of children that have ended.
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
