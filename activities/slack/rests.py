"""Until when a workspace does not want to be asked, as it has said itself: by method, as it counts.

Known to one process alone: another one hears it by a question of its own.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from uuid import UUID

from activities.sender import NotNow
from activities.turns import AGAIN, soon


@dataclass(slots=True)
class Rests:
    """Of all accounts."""

    _until: dict[tuple[UUID, str], float] = field(default_factory=dict)

    def heed(self, account_id: UUID, method: str) -> None:
        """Before a question.

        Raises:
            NotNow: it would come too early.
        """
        left = self._until.get((account_id, method), 0) - monotonic()
        if left > 0:
            # Later than that, and not all at once.
            raise NotNow(timedelta(seconds=left) + soon(AGAIN / 2))
        self._until.pop((account_id, method), None)

    def note(self, account_id: UUID, method: str, rest: timedelta) -> None:
        """What an answer asked for."""
        self._until[account_id, method] = monotonic() + rest.total_seconds()
