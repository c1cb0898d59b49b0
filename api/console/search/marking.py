"""Points at what was found: a text in pieces, each as it was typed, some of them marked.

The template escapes each piece; nothing here makes HTML.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from handoff.rules.sought import is_run, marks

AROUND = 90
"""Characters of an excerpt before and after what was found."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `found`: it is what was looked for."""

    text: str
    found: bool = False


Pattern = re.Pattern[str]


def pattern_of(typed: str) -> Pattern | None:
    """What of a text is marked; None where nothing is."""
    ways = [_way(parts, begins) for parts, begins in marks(typed)]
    return re.compile("|".join(ways), re.IGNORECASE) if ways else None


def _way(parts: list[str], begins: bool) -> str:
    """A word by itself: between letters and digits of others nothing is found, but for what is
    written without spaces."""
    way = "" if is_run(parts[0]) else r"(?<![^\W_])"
    way += re.escape(parts[0])
    for before, part in pairwise(parts):
        at_least = 0 if is_run(before) or is_run(part) else 1
        way += rf"[\W_]{{{at_least},3}}{re.escape(part)}"
    if is_run(parts[-1]):
        return way
    return way + (r"[^\W_]*" if begins else r"(?![^\W_])")


def marked(text: str, pattern: Pattern | None) -> list[Piece]:
    """The whole text."""
    if pattern is None:
        return [Piece(text)]
    pieces, at = [], 0
    for match in pattern.finditer(text):
        pieces += [Piece(text[at : match.start()]), Piece(match.group(), found=True)]
        at = match.end()
    return [piece for piece in (*pieces, Piece(text[at:])) if piece.text]


def excerpt(texts: Iterable[str | None], pattern: Pattern | None) -> list[Piece]:
    """What is around the first find in the first of these texts that has one; else nothing."""
    if pattern is None:
        return []
    for text in filter(None, texts):
        if match := pattern.search(text):
            first, last = max(match.start() - AROUND, 0), match.end() + AROUND
            before = _from_a_word(text[first : match.start()]) if first else text[: match.start()]
            after = text[match.end() : last]
            if last < len(text):
                after = _from_a_word(after[::-1])[::-1]
            return marked(" ".join(f"{before}{match.group()}{after}".split()), pattern)
    return []


def _from_a_word(cut: str) -> str:
    """A beginning that was cut off somewhere, from its first whole word on."""
    _, space, whole = cut.partition(" ")
    return f"… {whole}" if space else f"…{cut}"
