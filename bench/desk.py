"""The people of a measurement, their sessions, and what they do over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from bench.wire import Answer, Wire
from handoff.ids import new_id
from handoff.stack.state import StackState
from handoff.tokens import mint

ESCALATION = {
    "intent": "escalate",
    "engineer_notes": "The rekey fails after the firmware update; logs are in the session.",
    "priority": "high",
}


@dataclass(frozen=True, slots=True)
class Engineer:
    """One person who may escalate and claim."""

    id: UUID
    account_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Desk:
    """The running stack, as a measurement works with it."""

    state: StackState
    supervisor: int
    wire: Wire
    database: asyncpg.Pool

    @property
    def url(self) -> str:
        return self.state.api_url or ""

    async def team(self, size: int) -> list[Engineer]:
        """A new account with so many engineers."""
        account_id = new_id()
        await self.database.execute(
            "INSERT INTO accounts (id, name) VALUES ($1, 'Bench')", account_id
        )
        return await self.hire(account_id, size)

    async def hire(self, account_id: UUID, size: int) -> list[Engineer]:
        """So many engineers more."""
        now = datetime.now(UTC)
        ids = [new_id() for _ in range(size)]
        await self.database.executemany(
            "INSERT INTO users (id, account_id, email, name, role)"
            " VALUES ($1, $2, $3, 'Bench', 'engineer')",
            [(id, account_id, f"{id}@bench.test") for id in ids],
        )
        secret, hour = self.state.auth_secret or "", timedelta(hours=1)
        return [
            Engineer(id, account_id, mint(id, secret=secret, lifetime=hour, now=now)) for id in ids
        ]

    async def sessions(self, holders: Sequence[Engineer]) -> list[tuple[Engineer, UUID]]:
        """A new session for each holder."""
        made = [(holder, new_id()) for holder in holders]
        await self.database.executemany(
            "INSERT INTO sessions (id, account_id, title, holder_id) VALUES ($1, $2, 'Bench', $3)",
            [(id, holder.account_id, holder.id) for holder, id in made],
        )
        return made

    async def hand_off(self, holder: Engineer, session_id: UUID, **changes: Any) -> UUID:
        """POST → 201.

        Raises:
            Refused: any other answer; a server that is short of breath gives some.
        """
        answer = await self.wire.call(
            "POST", f"/ai-sessions/{session_id}/handoff", holder.token, ESCALATION | changes
        )
        return UUID(must(answer, 201).json()["id"])

    async def until_told(self, handoff_id: UUID, people: int, *, within: float) -> None:
        """Returns once the mail server has taken so many of a handoff's mails."""
        async with asyncio.timeout(within):
            while await self._mails_sent(handoff_id) < people:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    async def _mails_sent(self, handoff_id: UUID) -> int:
        count: int = await self.database.fetchval(
            "SELECT count(*) FROM deliveries"
            " WHERE handoff_id = $1 AND channel = 'email' AND state = 'sent'",
            handoff_id,
        )
        return count


class Refused(Exception):
    """Another answer than the one that was asked for."""


def must(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise Refused(f"{answer.status} instead of {status}: {answer.body[:300]!r}")
    return answer


@asynccontextmanager
async def open_desk(state: StackState, supervisor: int) -> AsyncIterator[Desk]:
    wire = Wire(state.api_url or "")
    async with asyncpg.create_pool(state.database_url, min_size=1, max_size=4) as database:
        desk = Desk(state, supervisor, wire, database)
        await _warm_up(desk)
        try:
            yield desk
        finally:
            wire.close()


async def _warm_up(desk: Desk) -> None:
    """Until the first handoff is recorded, worker and engine are still finding each other."""
    [person] = await desk.team(1)
    async with asyncio.timeout(30):
        while True:
            [(holder, session_id)] = await desk.sessions([person])
            try:
                await desk.hand_off(holder, session_id)
            except Refused:
                await asyncio.sleep(0.5)
            else:
                return
