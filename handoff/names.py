"""What a name is: one line that can be read, in any script."""

from unicodedata import category, normalize

_JOINERS = frozenset("\u200c\u200d")
"""Persian, Hindi and emoji are written with them."""

_UNREADABLE = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
"""Controls, lone surrogates, private letters, and what would begin another line."""


FILE_NAME_BYTES = 255
"""As file systems have it."""


def composed(text: str) -> str:
    """The one spelling of what can be written in several: accents with their letters."""
    return normalize("NFC", text)


def one_line(value: str) -> str:
    """The name, in composed letters.

    Spaces of every script are spaces. What turns the direction of writing, or is not seen at all,
    is refused: with it one name could look like another.

    Raises:
        ValueError: it is none.
    """
    name = composed(value)
    if not (any(map(_is_seen, name)) and all(map(is_written, name))):
        raise ValueError("must be one line that can be read")
    return name


def _is_seen(letter: str) -> bool:
    return category(letter)[0] not in "ZC" and not _is_selector(letter)


def is_written(letter: str) -> bool:
    """Whether names are written with it: no control, and no mark that turns or hides others."""
    kind = category(letter)
    if kind == "Cf":
        return letter in _JOINERS or _is_tag(letter)
    return kind not in _UNREADABLE


def _is_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f"


def _is_tag(letter: str) -> bool:
    """The flags of Scotland and Wales are spelled with these."""
    return "\U000e0020" <= letter <= "\U000e007f"


def file_name(value: str) -> str:
    """What a file is called: its last part alone, without what is not written in names.

    A name that somebody's computer made is mended; only what leaves no name is refused.

    Raises:
        ValueError: nothing of it is left, or it is longer than a file's name can be.
    """
    last = composed(value).replace("\\", "/").rpartition("/")[2]
    name = "".join(filter(is_written, last)).strip().strip(".").strip()
    if len(name.encode()) > FILE_NAME_BYTES:
        raise ValueError(f"may have {FILE_NAME_BYTES} bytes")
    return one_line(name)
