"""docs/routes.md as data: who may call what."""

from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "routes.md"
COLUMNS = ("stranger", "viewer", "engineer", "admin", "owner", "token")


@dataclass(frozen=True, slots=True)
class Row:
    """One operation's line."""

    operation_id: str
    call: str
    cells: tuple[str, ...]

    def expected(self, role: str) -> dict[str, int]:
        """The status on what is theirs, another account's, and nobody's."""
        values = [int(value) for value in self.cells[COLUMNS.index(role)].split("/")]
        own, foreign, unknown = {1: values * 3, 2: [*values, values[-1]], 3: values}[len(values)]
        return {"own": own, "foreign": foreign, "unknown": unknown}


def rows() -> dict[str, Row]:
    """The lines by operation id; a name that stands twice is a mistake."""
    found: dict[str, Row] = {}
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if line.startswith("| `"):
            name, call, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
            assert len(cells) == len(COLUMNS), line
            assert name not in found, line
            found[name] = Row(name, call, tuple(cells))
    return found


def tables_of_tokens() -> dict[str, list[str]]:
    """The cells by their line's first, bold one: by maker, and by moment."""
    found: dict[str, list[str]] = {}
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if line.startswith("| **"):
            name, *cells = (cell.strip(" *") for cell in line.strip("|").split("|"))
            found[name] = cells
    return found
