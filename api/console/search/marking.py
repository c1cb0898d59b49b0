"""Points at what was found: a text in pieces, each as it was typed, some of them marked.

The template escapes each piece; nothing here makes HTML.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from handoff.rules.sought import marks

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
    """A word by itself: between letters and digits of others nothing is found."""
    inner = r"[\W_]{1,3}".join(map(re.escape, parts))
    return rf"(?<![^\W_]){inner}" + (r"[^\W_]*" if begins else r"(?![^\W_])")


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
