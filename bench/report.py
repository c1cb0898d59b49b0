"""What was measured, as lines of a table. Knows nothing of how it was measured."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One result. `floor` is the same work by the bare engine or the bare wire, in the same run."""

    what: str
    ours: str
    floor: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    cost: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """Durations of the same act, in seconds."""

    seconds: Sequence[float]

    def percentile(self, part: float) -> float:
        """The value that `part` of all do not exceed (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[max(math.ceil(part * len(ordered)) - 1, 0)]

    @property
    def p50(self) -> float:
        return self.percentile(0.5)

    @property
    def p95(self) -> float:
        return self.percentile(0.95)

    def __str__(self) -> str:
        return f"p50 {milliseconds(self.p50)}, p95 {milliseconds(self.p95)}"


def at_most(what: str, ours: object, floor: object, ratio: float, most: float) -> Line:
    """A ratio to the bare engine or wire that is to stay below a bound."""
    return Line(what, str(ours), str(floor), ratio, f"≤ {most:g}", ratio <= most)


def at_least(what: str, ours: object, floor: object, ratio: float, least: float) -> Line:
    """A ratio that is to reach so much."""
    return Line(what, str(ours), str(floor), ratio, f"≥ {least:g}", ratio >= least)


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def table(lines: Sequence[Line]) -> str:
    """Markdown that also reads well on a terminal."""
    rows = [("what", "ours", "bare, same run", "ratio", "target", ""), *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (rows[0], rule, *rows[1:])
    )


def as_json(lines: Sequence[Line]) -> str:
    """The same for programs: name, value (a ratio where there is one), target and verdict."""
    verdicts = {None: None, True: "met", False: "missed"}
    told = [
        {
            "name": line.what,
            "value": line.ours if line.ratio is None else round(line.ratio, 3),
            "target": line.target or None,
            "verdict": verdicts[line.met],
        }
        for line in lines
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def costs(lines: Sequence[Line]) -> str:
    """What the acts cost, part by part: work that is done behind an answer counts here, too."""
    return "\n".join(f"- {line.what}: {line.cost}" for line in lines if line.cost)


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
    verdict = {None: "", True: "met", False: "missed"}[line.met]
    return (line.what, line.ours, line.floor, ratio, line.target, verdict)
