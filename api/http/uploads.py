"""Files as they arrive: put down on disk, within bounds of size, time and number, before anything
is asked of the record. Memory and connections do not wait for who sends slowly.
"""

import asyncio
import hashlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import Message
from typing import IO, Any
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from handoff.errors import Busy, Invalid, TooLarge, TooMany, TooSlow
from handoff.file_kinds import Kind
from handoff.names import file_name
from handoff.rules.files import FILE_BYTES

ONE_PERSONS = 10
ALL = 40
"""Uploads under way at once: by one person, and in one process. Each may hold 10 MiB of disk."""

SAVED_AT_ONCE = 2
"""The others wait for their turn without a connection: claims go on meanwhile."""

BLOCK_BYTES = 256 * 1024
RESTS = 0.005
"""Seconds at the most after each block: on a machine that is busy anyway, files go on."""

HEADER_CHARACTERS = 4096
RETRY_AFTER = 2

DRAINED_BYTES = 16 * 1024 * 1024
STRANGERS_BYTES = 1024 * 1024
"""So much of what is refused is read and dropped, because a client that still writes would not read
our answer. Beyond that the connection is closed on it."""

DISPOSITION = "Content-Disposition"

_PATH = re.compile(r"/ai-sessions/[^/]+/files")


def is_upload(scope: Scope) -> bool:
    """Whether the body is a file, which has bounds of its own."""
    return scope["method"] == "POST" and _PATH.fullmatch(scope["path"]) is not None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole."""

    name: str
    size: int
    media_type: str
    digest: bytes
    _on_disk: IO[bytes]

    async def chunks(self, size: int) -> AsyncIterator[bytes]:
        """Its content, piece by piece; anew each time."""
        self._on_disk.seek(0)
        while chunk := await asyncio.to_thread(self._on_disk.read, size):
            began = time.perf_counter()
            yield chunk
            await _rest(time.perf_counter() - began)


@dataclass(slots=True)
class Uploads:
    """What arrives in this process."""

    saving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SAVED_AT_ONCE))
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: Counter[UUID] = field(default_factory=Counter)

    @asynccontextmanager
    async def receive(
        self, request: Request, user_id: UUID, *, within: timedelta
    ) -> AsyncIterator[Upload]:
        """The file in the request's body, for as long as the block lasts.

        Raises:
            Invalid: it has no name, or is empty.
            TooLarge: announced or not, it has more than 10 MiB.
            TooSlow: it did not arrive in time.
            TooMany, Busy: this person, or all together, send as much as may be.
            ClientDisconnect: the rest never came.
        """
        name = name_of(request)
        _must_fit(request.headers.get("content-length", ""))
        with self._counted(user_id), tempfile.TemporaryFile(buffering=0) as on_disk:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    size, kind, digest = await _put_down(request, on_disk, self._taking)
            except TimeoutError:
                seconds = f"{within.total_seconds():g}"
                raise TooSlow(f"The file must arrive within {seconds} seconds.") from None
            yield Upload(name, size, kind.media_type, digest, on_disk)

    def _counted(self, user_id: UUID) -> "_Counted":
        if self._under_way[user_id] >= ONE_PERSONS:
            raise TooMany(
                f"{ONE_PERSONS} files of yours are under way. Send this one when one has arrived.",
                retry_after=RETRY_AFTER,
            )
        if self._under_way.total() >= ALL:
            raise Busy("Too many files arrive at this moment. Try again.", retry_after=RETRY_AFTER)
        return _Counted(self._under_way, user_id)


class _Counted:
    def __init__(self, counter: Counter[UUID], user_id: UUID) -> None:
        self._counter = counter
        self._user_id = user_id

    def __enter__(self) -> None:
        self._counter[self._user_id] += 1

    def __exit__(self, *_: object) -> None:
        self._counter[self._user_id] -= 1
        self._counter += Counter()  # Without those who have none any more.


async def _put_down(
    request: Request, on_disk: IO[bytes], taking: asyncio.Lock
) -> tuple[int, Kind, bytes]:
    size, kind, digest, block = 0, Kind(), hashlib.sha256(), bytearray()

    def take(content: bytes) -> None:
        kind.see(content)
        digest.update(content)
        on_disk.write(content)

    async def write() -> None:
        content = bytes(block)
        block.clear()
        # One block at a time in the whole process; what is not taken is not read from its sender.
        async with taking:
            began = time.perf_counter()
            await asyncio.to_thread(take, content)
            await _rest(time.perf_counter() - began)

    async for chunk in request.stream():
        size += len(chunk)
        if size > FILE_BYTES:
            raise _too_large()
        block += chunk
        if len(block) >= BLOCK_BYTES:
            await write()
    if block:
        await write()
    if not size:
        raise _fault("body", "must not be empty", "empty_file")
    return size, kind, digest.digest()


async def _rest(worked: float) -> None:
    """As long for everybody else: however fast files come, claims find the process free."""
    await asyncio.sleep(min(worked, RESTS))


async def drain(request: Request, most: int, *, within: timedelta) -> None:
    """Reads what is left of a body that was refused."""
    size = 0
    # A RuntimeError tells that nothing is left.
    with suppress(ClientDisconnect, TimeoutError, RuntimeError):
        async with asyncio.timeout(within.total_seconds()):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    return


def _must_fit(declared: str) -> None:
    if declared.isdigit() and int(declared[:20]) > FILE_BYTES:
        raise _too_large()


def _too_large() -> TooLarge:
    return TooLarge(f"A file may have {FILE_BYTES} bytes at most.", limit=FILE_BYTES)


def name_of(request: Request) -> str:
    """What `Content-Disposition` calls the file, by RFC 6266 and 8187: `filename*` before
    `filename`, and nothing of a path.

    Raises:
        Invalid: there is no such header, or it holds no name.
    """
    named = request.headers.getlist(DISPOSITION)
    if len(named) != 1 or len(named[0]) > HEADER_CHARACTERS:
        raise _nameless("must be sent once: attachment; filename*=UTF-8''a%20name.txt")
    try:
        return file_name(_filename(named[0]))
    except (ValueError, LookupError):
        raise _nameless("must hold a filename that can be read, of 255 bytes at most") from None


def _filename(header: str) -> str:
    parsed = Message()
    parsed[DISPOSITION] = header
    found: list[Any] = [
        value
        for name, value in parsed.get_params(failobj=[], header=DISPOSITION)
        if name.lower() == "filename"
    ]
    # The parser has undone what was quoted by `%`, and tells the alphabet beside it.
    for value in found:
        if isinstance(value, tuple):
            alphabet, _, quoted = value
            if (alphabet or "").lower() not in ("utf-8", "iso-8859-1"):
                raise ValueError("an alphabet that RFC 8187 does not know")
            return str(quoted).encode("latin-1").decode(alphabet)
    # What is not quoted comes as the bytes that were sent, which are UTF-8 nearly everywhere.
    return found[0].encode("latin-1").decode("utf-8") if found else ""


def _nameless(message: str) -> Invalid:
    return _fault(f"header/{DISPOSITION}", message, "file_name")


def _fault(path: str, message: str, kind: str) -> Invalid:
    fault = {"path": path, "message": message, "type": kind}
    return Invalid(f"Mend {path} and send it again.", errors=[fault])
