"""What is posted to a program, how it was answered, and a process's way to have that done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from activities.sender import Patience
from handoff.loading import load
from handoff.rules.causes import Cause
from handoff.settings import Settings

if TYPE_CHECKING:
    from activities.webhooks.way_out import WayOut


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """What is posted, for whom, where, and signed by which secrets; without any, it is not signed.
    `id` is the same at every attempt."""

    id: str
    account_id: UUID
    url: str
    body: str
    secrets: Sequence[str]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """How it was answered. `after`: the pause that the other side asked for."""

    code: int | None
    cause: Cause
    took: timedelta
    after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the other side took responsibility."""
        return self.cause is Cause.ACCEPTED

    def pause(self, patience: Patience, tried: int) -> timedelta:
        """How long to wait after so many attempts: as asked for, or ever longer."""
        return patience.pause(tried) if self.after is None else self.after


@dataclass(slots=True)
class Poster:
    """Posts for a whole process, any number of parcels at once."""

    settings: Settings
    _open: WayOut | None = field(default=None, repr=False)

    @property
    def patience(self) -> Patience:
        """As the settings say."""
        settings = self.settings
        return Patience(
            settings.webhook_retry_initial,
            settings.webhook_retry_maximum,
            settings.webhook_retry_for,
        )

    async def post(self, parcel: Parcel) -> Posted:
        """Posts once, within `HANDOFF_WEBHOOK_TIMEOUT`. Nothing that the other side does raises."""
        return await (await self._way_out()).post(parcel)

    async def _way_out(self) -> WayOut:
        await load("activities.webhooks.way_out")
        from activities.webhooks.way_out import WayOut

        if self._open is None:
            self._open = WayOut(
                allows_private=self.settings.webhook_private == "allow",
                within=self.settings.webhook_timeout,
            )
        return self._open

    async def close(self) -> None:
        """Takes leave of everybody."""
        if self._open is not None:
            way_out, self._open = self._open, None
            await way_out.close()
