"""What somebody who looks for a handoff typed, as words that PostgreSQL's text search understands.

In the manner of web search: words that all must be there, "some words in this order", `or`, and
`-word` for what must not. Whatever else is typed stands between words: nothing is a fault.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

BETWEEN = "\t\n\v\f\r !\"$'()*,;<=>?[\\]^`{|}¡¦§«¶·»¿‐‑‒–—―‘’‚“”„•…‹›、。「」"
"""What stands between words, as migration 0018 keeps them."""

WITHIN = "#%&+-./:@_~"
"""What stands between the parts of a code, as in `gw-200`, `10.0.0.1`, `err_code`: it is found as
it is written, and by its parts."""

RUN = (
    r"\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007"
    r"\u3041-\u309f\u30a1-\u30fa\u30fc-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of scripts that put no space between words: migration 0022 keeps each two of them that
follow each other, so that words are found inside of what is written."""

BEGINS = 2
"""Characters of the last word from which on it may be a word's beginning: people are typing."""

_BETWEEN = str.maketrans(dict.fromkeys(BETWEEN, " "))
_WITHIN = re.compile(f"[{re.escape(WITHIN)}]+")
_TERM = re.compile(r'(?P<no>-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_RUN = re.compile(f"([{RUN}]+)")
_DIGITS = 32
_ID = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")


@dataclass(frozen=True, slots=True)
class Sought:
    """`words`: for PostgreSQL, as `tsquery` reads it; None where there are none to look for.

    `ids`: the first and the last id that begin with what was typed, if it may be that of one.
    """

    words: str | None
    ids: tuple[UUID, UUID] | None


def sought(typed: str) -> Sought:
    """What is looked for."""
    return Sought(_words(typed), _ids(typed))


def marks(typed: str) -> list[tuple[list[str], bool]]:
    """What to point at in a text that was found: each word in its parts, and whether it may be the
    beginning of a longer one."""
    terms = _terms(typed)
    found: list[tuple[list[str], bool]] = []
    for number, term in enumerate(terms):
        plain = term["plain"]
        if term["no"] or (plain is not None and plain.lower() == "or"):
            continue
        is_last = number == len(terms) - 1
        if plain is None:
            found.append((_whole_phrase(term["phrase"]), False))
            continue
        words = _split(plain)
        found += [
            (_parts(word), is_last and at == len(words) - 1 and len(word) >= BEGINS)
            for at, word in enumerate(words)
        ]
    return [(parts, begins) for parts, begins in found if parts]


def is_run(word: str) -> bool:
    """Whether it may stand anywhere in what is written, as words do that no space divides."""
    return _RUN.fullmatch(word) is not None


def _terms(typed: str) -> list[re.Match[str]]:
    return list(_TERM.finditer(unicodedata.normalize("NFKC", typed)))


def _whole_phrase(text: str) -> list[str]:
    return [part for word in _split(text) for part in _parts(word)]


def _ids(typed: str) -> tuple[UUID, UUID] | None:
    beginning = typed.strip().lower()
    if not _ID.fullmatch(beginning):
        return None
    digits = beginning.replace("-", "")
    if len(digits) > _DIGITS:
        return None
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))


def _words(typed: str) -> str | None:
    """Lexemes in quotes, which hold neither quotes nor backslashes: both stand between words."""
    terms = _terms(typed)
    said: list[str] = []
    either = False
    for number, term in enumerate(terms):
        plain = term["plain"]
        if plain is not None and plain.lower() == "or" and not term["no"]:
            either = bool(said)
            continue
        is_last = number == len(terms) - 1
        found = (
            _phrase(term["phrase"])
            if plain is None
            else _plain(plain, begins=is_last and not term["no"])
        )
        if found is None:
            continue
        if said:
            said.append("|" if either else "&")
        said.append(f"!({found})" if term["no"] else f"({found})")
        either = False
    return " ".join(said) or None


def _phrase(text: str) -> str | None:
    """In this order, but for what is written without spaces: of that, no place is kept."""
    found = [
        " & ".join(map(_pairs, parts)) if inside else " <-> ".join(map(_quoted, parts))
        for inside, parts in groupby(_whole_phrase(text), is_run)
    ]
    return " & ".join(found) or None


def _plain(text: str, *, begins: bool) -> str | None:
    words = _split(text)
    found = [
        _code(word, begins=begins and number == len(words) - 1) for number, word in enumerate(words)
    ]
    if len(found) < 2:
        return found[0] if found else None
    return " & ".join(f"({one})" for one in found)


def _code(word: str, *, begins: bool) -> str:
    """As it is written, or by its parts in this order."""
    if is_run(word):
        return _pairs(word)
    parts = _parts(word)
    star = ":*" if begins and len(word) >= BEGINS else ""
    by_parts = " <-> ".join(map(_quoted, parts)) + star
    return by_parts if parts == [word] else f"{_quoted(word)}{star} | ({by_parts})"


def _pairs(run: str) -> str:
    """Each two of its letters; of a single one, that a pair begins with it."""
    if len(run) == 1:
        return f"{_quoted(run)}:*"
    return " & ".join(_quoted(run[at : at + 2]) for at in range(len(run) - 1))


def _split(text: str) -> list[str]:
    apart = _RUN.sub(r" \1 ", text.translate(_BETWEEN))
    words = (word.strip(WITHIN) for word in apart.split())
    return [word for word in words if word]


def _parts(word: str) -> list[str]:
    return [part for part in _WITHIN.split(word) if part]


def _quoted(lexeme: str) -> str:
    return f"'{lexeme}'"
