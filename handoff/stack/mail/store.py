"""The caught messages on disk, one `.eml` each, safe before the sender hears 250.

The first line of a file is ours and holds the envelope; the rest is the message, byte for byte.
"""

import itertools
import json
import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from handoff.stack.files import write_private
from handoff.stack.mail.message import CaughtMail, parse_message

_ENVELOPE = b"X-Handoff-Envelope: "
_ID = re.compile(r"[0-9]{1,20}")


class MailStore:
    """The newest messages, oldest first. What is older than the limits is forgotten."""

    def __init__(
        self, directory: Path, *, most: int = 2_000, most_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self._directory = directory
        self._most = most
        self._most_bytes = most_bytes
        for unfinished in directory.glob(".*"):
            unfinished.unlink()
        kept = sorted(directory.glob("*.eml"), key=lambda path: int(path.stem))
        self._sizes = {path.stem: path.stat().st_size for path in kept}
        self._last = int(kept[-1].stem) if kept else 0
        self._read = lru_cache(maxsize=most)(self._read_file)

    def add(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keeps one message; when this returns it is on the disk."""
        # The clock gives numbers that are never used twice; the last one keeps them rising.
        number = self._last = max(self._last + 1, time.time_ns() // 1_000)
        envelope = {
            "received_at": datetime.now(UTC).isoformat(),
            "from": sender,
            "to": recipients,
        }
        whole = _ENVELOPE + json.dumps(envelope).encode() + b"\r\n" + content
        write_private(self._path(str(number)), whole)
        self._sizes[str(number)] = len(whole)
        self._forget_old()
        return str(number)

    def ids(self, *, after: str = "") -> list[str]:
        """Newest last."""
        floor = int(after) if _ID.fullmatch(after) else 0
        return [name for name in self._sizes if int(name) > floor]

    def message(self, name: str) -> CaughtMail | None:
        return self._read(name) if name in self._sizes else None

    def raw(self, name: str) -> bytes | None:
        """The message as it came in, without the line that is ours."""
        if name not in self._sizes:
            return None
        return self._path(name).read_bytes().partition(b"\r\n")[2]

    def clear(self) -> None:
        for name in list(self._sizes):
            self._forget(name)

    def _read_file(self, name: str) -> CaughtMail:
        first, _, content = self._path(name).read_bytes().partition(b"\r\n")
        envelope = json.loads(first.removeprefix(_ENVELOPE))
        return parse_message(name, envelope, content)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.eml"

    def _forget_old(self) -> None:
        total = sum(self._sizes.values())
        for name in list(itertools.islice(self._sizes, len(self._sizes) - 1)):
            if len(self._sizes) <= self._most and total <= self._most_bytes:
                return
            total -= self._sizes[name]
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)
        del self._sizes[name]
