"""What is in files: the one place that keeps, gives and forgets it. Whose it is, and who may read
it, the file's row decides, which is written when the bytes are whole.

PostgreSQL keeps it beside the row; a bucket does where the settings name one. Each file says itself
where it is, so either is read whatever the settings say by now.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from handoff.bucket import TURN_WITHIN, Bucket, BucketPlace
from handoff.database import files
from handoff.database.files import CHUNK_BYTES
from handoff.database.gate import Database
from handoff.database.turns import Turns
from handoff.errors import NotFound
from handoff.ids import new_id
from handoff.settings import Settings

PIECE_BYTES = 1024 * 1024
"""So much of an object is asked for at once: nothing stays open for whoever reads slowly."""

ONE_ACCOUNTS = 2
"""Of one account's files are put in a bucket at once: half of what a process puts, so that others
have their turn."""
WAITING = 20


@dataclass(frozen=True, slots=True)
class Content:
    """What one file's row says of where it is. `kept_at`: None for PostgreSQL."""

    account_id: UUID
    file_id: UUID
    kept_at: str | None


class Keeper(Protocol):
    """A way to keep bytes."""

    @property
    def piece_bytes(self) -> int:
        """So much is read at once, from a multiple of it on."""

    async def put(self, account_id: UUID, chunks: AsyncIterator[bytes]) -> str | None:
        """Where they are kept, read to their end; None where they are left to go with the row.
        What no row comes to name is swept later."""

    async def read(self, content: Content, part: range) -> bytes | None:
        """These bytes of one piece; None where it was taken away."""

    async def delete(self, content: Content) -> None:
        """Forgets what no row names any more."""


class _InPostgres:
    piece_bytes = CHUNK_BYTES

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, account_id: UUID, chunks: AsyncIterator[bytes]) -> str | None:
        return None

    async def read(self, content: Content, part: range) -> bytes | None:
        place, begin = divmod(part.start, CHUNK_BYTES)
        async with self._database.account(content.account_id) as tenant:
            chunk = await files.chunk(tenant, content.file_id, place)
        return None if chunk is None else chunk[begin : begin + len(part)]

    async def delete(self, content: Content) -> None:
        """It went with its row."""


class _InBuckets:
    piece_bytes = PIECE_BYTES

    def __init__(self, url: str | None) -> None:
        self._place = BucketPlace(url) if url else None
        self._buckets: dict[str, Bucket] = {}
        self._turns = Turns(at_once=ONE_ACCOUNTS, waiting=WAITING, seconds=TURN_WITHIN)

    async def put(self, account_id: UUID, chunks: AsyncIterator[bytes]) -> str | None:
        """A key of its own for each try: what is swept of one is never part of another."""
        assert self._place is not None  # noqa: S101 - nothing is put where no bucket is named
        key = self._place.key(account_id, new_id())
        async with self._turns.of(account_id):
            await self._bucket(self._place.bucket_name).put(key, chunks)
        return self._place.url(key)

    async def read(self, content: Content, part: range) -> bytes | None:
        bucket, key = self._find(content)
        return await bucket.read(key, part)

    async def delete(self, content: Content) -> None:
        bucket, key = self._find(content)
        await bucket.delete(key)

    async def ask(self) -> None:
        if self._place is not None:
            await self._bucket(self._place.bucket_name).page(self._place.key("readyz"))

    def _find(self, content: Content) -> tuple[Bucket, str]:
        place = BucketPlace(content.kept_at or "")
        return self._bucket(place.bucket_name), place.prefix

    def _bucket(self, name: str) -> Bucket:
        return self._buckets.setdefault(name, Bucket(name))


class Contents:
    """Both ways. Made once per process; opens nothing before it is used."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._in_postgres = _InPostgres(database)
        self._in_buckets = _InBuckets(settings.files_url)
        self._for_new: Keeper = self._in_buckets if settings.files_url else self._in_postgres

    async def put(self, account_id: UUID, chunks: AsyncIterator[bytes]) -> str | None:
        """Keeps what is in a new file, and says where its row has it. `chunks` are read to their
        end, or left to go with the row. Nothing of PostgreSQL is held meanwhile.

        Raises:
            Busy: its turn did not come.
            FilesUnreachable: the bucket did not take it in time.
        """
        return await self._for_new.put(account_id, chunks)

    async def open(self, content: Content, wanted: range) -> AsyncIterator[bytes]:
        """These bytes, a piece at a time. The first one is there when this returns; what becomes
        of the file later ends the others short of what was asked for.

        Raises:
            NotFound: it was taken away.
            FilesUnreachable: the bucket did not answer in time.
        """
        keeper = self._keeper(content)
        pieces = _pieces(wanted, keeper.piece_bytes)
        first = await _must_read(keeper, content, next(pieces))

        async def rest() -> AsyncIterator[bytes]:
            yield first
            for piece in pieces:
                yield await _must_read(keeper, content, piece)

        return rest()

    async def delete(self, content: Content) -> None:
        """Forgets it, once its row is gone.

        Raises:
            FilesUnreachable: the bucket did not answer in time. The auditor tries it again.
        """
        await self._keeper(content).delete(content)

    async def ask(self) -> None:
        """Raises `FilesUnreachable` where the bucket for new files does not answer."""
        await self._in_buckets.ask()

    def _keeper(self, content: Content) -> Keeper:
        return self._in_postgres if content.kept_at is None else self._in_buckets


async def _must_read(keeper: Keeper, content: Content, piece: range) -> bytes:
    found = await keeper.read(content, piece)
    if found is None:
        raise NotFound("It was taken away.")
    return found


def _pieces(wanted: range, size: int) -> Iterator[range]:
    """The same bytes, cut at the multiples of `size`."""
    begin = wanted.start
    while begin < wanted.stop:
        end = min(wanted.stop, (begin // size + 1) * size)
        yield range(begin, end)
        begin = end
