"""One account's newest events in memory, bounded, and the places of the streams that follow it.

Nothing here reads or writes anything: the hub fills a feed, streams take from it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handoff import live
from handoff.contract.messages import Envelope
from handoff.contract.people import Actor

PAGE = 100
"""Events that a feed reads at a time."""

KEPT = 256
KEPT_CHARACTERS = 1024 * 1024
"""What a feed keeps at hand; a stream that is further behind reads PostgreSQL itself."""

BATCH_CHARACTERS = 64 * 1024
"""A stream takes events until they are so long together: more would lie in its memory."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One event, encoded once for all streams."""

    number: int
    type: str
    text: str

    @classmethod
    def of(cls, envelope: Envelope) -> "Encoded":
        """The envelope as streams send it."""
        kind = envelope.type.removeprefix("handoff.")
        return cls(int(envelope.id), kind, live.encode(envelope))


def batch(events: Iterable[Encoded], characters: int = BATCH_CHARACTERS) -> list[Encoded]:
    """The first of these, one at least; by default as many as a stream sends at a time."""
    found: list[Encoded] = []
    size = 0
    for one in events:
        found.append(one)
        size += len(one.text)
        if size >= characters:
            break
    return found


class Feed:
    """One account's newest events, and the streams that wait for more."""

    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
        self.rung = asyncio.Event()
        self.started = asyncio.Event()
        self.doubted = False
        self.unread = False
        self.first = 1
        self.last = 0
        self.ears: set[Ear] = set()
        self._kept: dict[int, Encoded] = {}
        self._characters = 0

    def add(self, events: Sequence[Encoded]) -> None:
        """Takes in what PostgreSQL has, and wakes everybody."""
        for one in events:
            self._kept[one.number] = one
            self._characters += len(one.text)
        while len(self._kept) > KEPT or self._characters > KEPT_CHARACTERS:
            self._characters -= len(self._kept.pop(next(iter(self._kept))).text)
        self.last = events[-1].number
        self.wake()

    def wake(self) -> None:
        """Lets every stream look again."""
        for ear in self.ears:
            ear.news.set()

    def after(self, number: int) -> list[Encoded] | None:
        """A batch of what follows `number`; None when that is no longer kept."""
        if number >= self.last:
            return []
        if number + 1 not in self._kept:
            return None
        return batch(self._kept[following] for following in range(number + 1, self.last + 1))

    def readers(self) -> dict[UUID, datetime]:
        """Which people listen, and since when. A program with a token of its own is nobody."""
        found: dict[UUID, datetime] = {}
        for ear in self.ears:
            if ear.token_id is None:
                found[ear.reader_id] = min(found.get(ear.reader_id, ear.since), ear.since)
        return found


class Ear:
    """One stream's place at its feed: whether there may be more, and whether it may be told."""

    __slots__ = ("_cut", "checked", "feed", "may_read", "news", "reader_id", "since", "token_id")

    def __init__(
        self, feed: Feed, reader: Actor, *, since: datetime, cut: Callable[[], None] | None
    ) -> None:
        self.feed = feed
        self.reader_id = reader.id
        self.token_id = reader.token_id
        self.since = since
        self.news = asyncio.Event()
        self.may_read = True
        # Whoever opens a stream has been looked up in the database a moment ago.
        self.checked = asyncio.get_running_loop().time()
        self._cut = cut

    def judge(self, *, may_read: bool, asked: float) -> None:
        """What the database said of the reader, and when it was asked."""
        self.may_read = may_read
        self.checked = asked
        if not may_read:
            self.news.set()

    def cut(self) -> None:
        """Ends the connection, whatever it has not sent yet."""
        if self._cut is not None:
            self._cut()
