"""Whose API tokens were good a moment ago, by digest: who was known is never taken for a stranger.

It proves nothing and lets nobody in: the database is asked at every request all the same.
"""

from collections import OrderedDict
from uuid import UUID

MOST = 10_000


class ProvenTokens:
    """The digests of tokens that proved somebody, newest last; what is older than the most is
    forgotten."""

    def __init__(self) -> None:
        self._holders: OrderedDict[bytes, UUID] = OrderedDict()

    def remember(self, digest: bytes, holder: UUID) -> None:
        """It has proved this user."""
        self._holders[digest] = holder
        self._holders.move_to_end(digest)
        if len(self._holders) > MOST:
            self._holders.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """It proves nothing any more."""
        self._holders.pop(digest, None)

    def holder(self, digest: bytes) -> UUID | None:
        """Whom it proved, if it did."""
        return self._holders.get(digest)
