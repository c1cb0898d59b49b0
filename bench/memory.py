"""What the whole stack takes, shared pages counted once (the kernel's PSS). Linux only."""

from pathlib import Path

from bench.report import Line

TARGET = 700
_MEGABYTE = 1024  # smaps counts in kilobytes


def measure(when: str, supervisor: int) -> Line:
    """Every process below the supervisor, and itself."""
    if not Path("/proc").is_dir():
        return Line(f"memory, {when}", "only Linux can say")
    total = sum(map(_proportional, [supervisor, *_below(supervisor)])) / _MEGABYTE
    return Line(
        f"memory of the stack, {when}",
        f"{total:.0f} MB",
        target=f"< {TARGET} MB",
        met=total < TARGET,
    )


def by_part(pids: dict[str, int]) -> str:
    """Each part with its own processes."""
    sizes = {
        name: sum(map(_proportional, [pid, *_below(pid)])) / _MEGABYTE for name, pid in pids.items()
    }
    return ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())


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
