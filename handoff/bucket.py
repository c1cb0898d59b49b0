"""A bucket that speaks S3: objects put whole, read in parts, taken away, listed. The only file that
knows the library; who may read what is decided by the record.

Credentials, region and endpoint are read from the environment as AWS's own tools read them. Every
call answers in time or raises: nobody waits for a bucket that is slow or dead.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from handoff.errors import Busy, ConfigurationError, FilesUnreachable
from handoff.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Store

logger = structlog.get_logger(__name__)

PART_BYTES = 5 * 1024 * 1024
"""S3 takes no smaller part of an object, but for its last. So much of each is in memory, twice."""

PUT_AT_ONCE = 4
"""By one process; the others wait for their turn."""

TURN_WITHIN = 5.0
"""Seconds that one waits for it."""

ANSWER_WITHIN = 8.0
PUT_WITHIN = 15.0
"""Seconds, retries included; of a put from its turn on."""

PAGE = 1000
"""Objects in one answer of S3 to a list."""

_CLIENT: "ClientConfig" = {
    "connect_timeout": timedelta(seconds=2),
    "timeout": timedelta(seconds=ANSWER_WITHIN),
    # Only where the endpoint in the environment says http:// itself.
    "allow_http": True,
}
_RETRIES: "RetryConfig" = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=ANSWER_WITHIN),
}

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_LATER = {"408", "429"}
"""It is slow, or asked too often: no refusal, for all that these begin with a 4."""


@dataclass(frozen=True, slots=True)
class Object:
    """One in the bucket. `key`: all of it, what the setting puts before it included."""

    key: str
    changed_at: datetime


class Bucket:
    """One bucket. Nothing connects before it is used."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._turns = asyncio.Semaphore(PUT_AT_ONCE)
        self._opened: S3Store | None = None

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """The object, there once it is whole and not before.

        Raises:
            Busy: others put so much that its turn did not come.
            FilesUnreachable: the bucket did not take it in time.
        """
        import obstore

        async with self._turn(), _in_time(PUT_WITHIN):
            first = await _first_part(chunks)
            if len(first) < PART_BYTES:
                await obstore.put_async(self._store(), key, first)
                return
            await obstore.put_async(
                self._store(), key, _again(first, chunks), chunk_size=PART_BYTES, max_concurrency=1
            )

    async def read(self, key: str, part: range) -> bytes | None:
        """These bytes of it; None where there is no such object.

        Raises:
            FilesUnreachable: the bucket did not answer in time.
        """
        import obstore

        try:
            async with _in_time(ANSWER_WITHIN):
                found = await obstore.get_range_async(
                    self._store(), key, start=part.start, end=part.stop
                )
                return bytes(found)
        except FileNotFoundError:
            return None

    async def delete(self, *keys: str) -> None:
        """Takes them away; that one is gone already is all the same.

        Raises:
            FilesUnreachable: the bucket did not answer in time.
        """
        import obstore

        if not keys:
            return
        with suppress(FileNotFoundError):
            async with _in_time(ANSWER_WITHIN):
                await obstore.delete_async(self._store(), list(keys))

    async def page(self, prefix: str, *, after: str | None = None) -> list[Object]:
        """The objects below `prefix` that follow `after`, in the order of their keys: a thousand
        at most.

        Raises:
            FilesUnreachable: the bucket did not answer in time.
        """
        import obstore

        listing = obstore.list(self._store(), prefix or None, offset=after, chunk_size=PAGE)
        async with _in_time(ANSWER_WITHIN):
            async for found in listing:
                return [Object(one["path"], one["last_modified"]) for one in found]
        return []

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy("Too many files are kept at this moment. Try again.") from None
        try:
            yield
        finally:
            self._turns.release()

    def _store(self) -> "S3Store":
        if self._opened is None:
            from obstore.store import S3Store

            self._opened = S3Store(self._name, client_options=_CLIENT, retry_config=_RETRIES)
        return self._opened


class BucketPlace:
    """Where new files go: `s3://bucket/prefix`, as the setting has it."""

    def __init__(self, url: str) -> None:
        self.bucket_name, _, self.prefix = url.removeprefix("s3://").partition("/")

    def url(self, key: str) -> str:
        """By which a file's row names an object of this bucket."""
        return f"s3://{self.bucket_name}/{key}"

    def key(self, *parts: object) -> str:
        """Of an object in this place."""
        return "/".join(str(part) for part in (self.prefix, *parts) if part)

    def account_of(self, key: str) -> UUID | None:
        """Whose file it is, `<account>/<id>` below this place; None for what somebody else put."""
        try:
            account_id, object_id = key.removeprefix(self.key("")).strip("/").split("/")
            _ = UUID(object_id)
            return UUID(account_id)
        except ValueError:
            return None


async def must_take_files(settings: Settings) -> None:
    """Refuses to start where the bucket of the settings refuses us. One that does not answer is
    told of: claims do not wait for it, and it may be back before the first file comes.

    Raises:
        ConfigurationError: names the variable, and what the bucket says.
    """
    if settings.files_url is None:
        return
    place = BucketPlace(settings.files_url)
    try:
        await Bucket(place.bucket_name).page(place.key("start"))
    except FilesUnreachable as fault:
        if fault.refused:
            raise ConfigurationError(f"HANDOFF_FILES_URL: {fault.cause}") from None
        logger.error("files.unreachable", setting="HANDOFF_FILES_URL", cause=fault.cause)


async def _first_part(chunks: AsyncIterator[bytes]) -> bytes:
    """All of what is small: it takes one request instead of three."""
    first = bytearray()
    async for chunk in chunks:
        first += chunk
        if len(first) >= PART_BYTES:
            break
    return bytes(first)


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    """Lets a `FileNotFoundError` pass where the bucket says that it has no such object. Any other
    404 tells of the bucket, or of something that is none: nothing of ours is gone by that."""
    from obstore.exceptions import BaseError

    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise FilesUnreachable("it does not answer in time") from None
    except FileNotFoundError as fault:
        if "<Code>NoSuchKey</Code>" in str(fault):
            raise
        raise _said(fault) from None
    except BaseError as fault:
        raise _said(fault) from None


def _said(fault: Exception) -> FilesUnreachable:
    """Never the library's whole text: it holds addresses and keys."""
    status, code = _STATUS.search(str(fault)), _CODE.search(str(fault))
    if status is None:
        return FilesUnreachable("it does not answer")
    said = f"it answers {status[1]}" + (f" {code[1]}" if code else "")
    return FilesUnreachable(said, refused=status[1].startswith("4") and status[1] not in _LATER)
