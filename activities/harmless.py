"""What people typed, made harmless for a header or a body. It keeps their words, not their tricks.

Nothing here knows mail, letters or HTML.
"""

import re
import unicodedata
from functools import lru_cache

_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]*(?:\x07|\x1b\\|\x9c)"  # window titles, hidden links
    r"|\x1b[ -/]*[0-~]"
)
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u034f\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_TAGS = "\U000e0000-\U000e007f"
_TRICKS = re.compile(f"[{_BIDI}{_INVISIBLE}{_TAGS}]")
# They shape some scripts, so a body keeps them; a header can hide words with them, and keeps those
# that make one picture of several.
_JOINERS = re.compile("[\u200c\u200d]")


@lru_cache(maxsize=256)  # A round tells many people the same.
def harmless_text(text: str, *, limit: int) -> str:
    """Several lines of at most `limit` bytes: line breaks stay, controls and bidi marks go."""
    lines = _LINE_ENDS.sub("\n", _TERMINAL.sub("", text))
    clean = _TRICKS.sub("", "".join(one for one in lines if one in "\n\t" or _is_visible(one)))
    cut = clean.encode()[:limit].decode(errors="ignore")
    return cut if cut == clean else f"{cut}\n[cut here]"


def harmless_line(text: str, *, limit: int) -> str:
    """One line of at most `limit` characters that no reader of headers takes for anything else."""
    flat = " ".join(harmless_text(text, limit=16 * limit).split())
    # `=?` begins an encoded word, which is decoded, and could so become a line break.
    plain = _JOINERS.sub(_if_it_joins_pictures, flat).replace("=?", "= ?")
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def _if_it_joins_pictures(joiner: re.Match[str]) -> str:
    text, at = joiner.string, joiner.start()
    before, after = text[:at].removesuffix("\ufe0f")[-1:], text[at + 1 : at + 2]
    return joiner[0] if joiner[0] == "\u200d" and _is_picture(before) and _is_picture(after) else ""


def _is_picture(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in ("So", "Sk")


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs")
