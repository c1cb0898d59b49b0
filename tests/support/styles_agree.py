"""`make check`: whatever styles name is there: each class and id, each property of our own.

The formatter finds a stylesheet that cannot be read. What the browser would pass over in silence
is found here: a misspelt name, and a rule whose element is gone.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from handoff.leaving import leave_after

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "api" / "console", ROOT / "handoff" / "stack" / "mail" / "templates")
"""Each with styles, and the templates and modules that bear their names."""
WORDS = ROOT / "handoff" / "contract" / "words.py"
"""States and priorities are classes, too; templates take them from here."""

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")
NAME = re.compile(r"(?<![\w-])[.#]([a-z][\w-]*)")
USE = re.compile(r"var\((--[\w-]+)")


class Rule(NamedTuple):
    """One rule: for what, and each property with its value."""

    selectors: list[str]
    declared: list[tuple[str, str]]


def rules(sheet: Path) -> list[Rule]:
    """A stylesheet's rules, those within an `@media` among them."""
    text = COMMENT.sub("", sheet.read_text("utf-8"))
    return [
        Rule(_split(selectors, ",\n"), _declared(body)) for selectors, body in RULE.findall(text)
    ]


def _split(text: str, at: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(at) if part.strip()]


def _declared(body: str) -> list[tuple[str, str]]:
    parts = (part.partition(":") for part in _split(body, ";"))
    return [(name, value.strip().removesuffix(" !important")) for name, _, value in parts]


def faults(place: Path) -> Iterator[str]:
    """A sentence for each name that nothing bears or defines, below one folder."""
    sheets = {sheet: rules(sheet) for sheet in sorted(place.rglob("*.css"))}
    declared = [one for sheet in sheets.values() for rule in sheet for one in rule.declared]
    defined = {name for name, _ in declared if name.startswith("--")}
    used = {name for _, value in declared for name in USE.findall(value)}
    yield from (f"{place.name}: {name} is defined and not used" for name in sorted(defined - used))
    yield from (f"{place.name}: {name} is used and not defined" for name in sorted(used - defined))
    bearers = _words(place)
    for sheet, found in sheets.items():
        for selectors, declared in found:
            where = f"{sheet.relative_to(ROOT)}: {selectors[0]}"
            names = [name for selector in selectors for name in NAME.findall(selector)]
            yield from (
                f"{where}: nothing is called {name}" for name in names if name not in bearers
            )
            said = [name for name, _ in declared]
            yield from (f"{where}: {name} stands twice" for name in {*said} if said.count(name) > 1)


def _words(place: Path) -> set[str]:
    """Every word of the templates and modules, and what a module makes of a text by hyphens."""
    files = (*place.rglob("*.html"), *place.rglob("*.js"), WORDS)
    text = "\n".join(path.read_text("utf-8") for path in files)
    quoted = re.findall(r"\"([a-z ]+)\"", text)
    return {*re.findall(r"[\w-]+", text), *(said.replace(" ", "-") for said in quoted)}


def main() -> int:
    """Says what is amiss; 1 when anything is."""
    found = [fault for place in PLACES for fault in faults(place)]
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    return 1 if found else 0


if __name__ == "__main__":
    leave_after(main)
