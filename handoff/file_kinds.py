"""What a file is, by its bytes: never by its name, nor by what its sender calls it.

Text is what decodes as text. Of the rest, what is named here is told; everything else is bytes.
HTML and SVG are text, and are never served as anything else.
"""

import codecs
import re

BYTES = "application/octet-stream"
PDF = "application/pdf"

HEAD_BYTES = 8192

PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}

TOLD = frozenset(
    {
        *("application/zip", "application/x-gzip", "application/x-7z-compressed"),
        *("application/x-tar", "application/x-xz", "application/x-bzip2", "application/zstd"),
        *("video/mp4", "video/webm", "audio/mpeg", "audio/ogg", "audio/flac"),
        *("application/vnd.tcpdump.pcap", "application/vnd.sqlite3"),
    }
)
"""Besides pictures and PDF. No browser runs anything of them."""

_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""What no text holds. Logs hold escapes, for colours."""

_WIDE = {codecs.BOM_UTF16_LE: "utf-16le", codecs.BOM_UTF16_BE: "utf-16be"}


class Kind:
    """Looks at a file while it comes, and says at its end what it is."""

    def __init__(self) -> None:
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._charset = "utf-8"

    def see(self, chunk: bytes) -> None:
        """The next bytes, in order; the first chunk has `HEAD_BYTES`, or is all."""
        is_first = not self._head
        if is_first:
            self._head = chunk[:HEAD_BYTES]
            self._charset = _WIDE.get(chunk[:2], "utf-8")
            self._decoder = codecs.getincrementaldecoder(self._charset)()
        self._decode(chunk, is_last=False)

    def _decode(self, chunk: bytes, *, is_last: bool) -> None:
        if self._decoder is None:
            return
        try:
            text = self._decoder.decode(chunk, is_last)
        except UnicodeDecodeError:
            self._decoder = None
            return
        if _CONTROL.search(text):
            self._decoder = None

    @property
    def media_type(self) -> str:
        """What it is, as it is served."""
        self._decode(b"", is_last=True)
        if self._head.startswith(b"%PDF-"):
            return PDF
        if self._decoder is not None:
            return f"text/plain; charset={self._charset}"
        return _picture(self._head) or _told(self._head) or BYTES


def _picture(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in PICTURES.items() if head.startswith(mark)), None)


def _told(head: bytes) -> str | None:
    # A table of a thousand marks, which only such a file needs.
    import puremagic

    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    return next((one.mime_type for one in found if one.mime_type in TOLD), None)
