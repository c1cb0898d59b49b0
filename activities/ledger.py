"""One batch's lines in the ledger. What several of its messages ask for in the same moment is one
transaction: while PostgreSQL answers one question, the next ones gather.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from handoff.contract.messages import Envelope
from handoff.contract.record import Record
from handoff.database.gate import Database, Tenant
from handoff.database.messages import last_look, outbox
from handoff.database.messages.bundles import settle_led
from handoff.database.messages.outbox import Due, LedgerAttempt


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """May this message leave, as one that bears this id?"""

    due: Due
    message_id: str
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    """What an attempt came to. `leads`: the message spoke for others, under this id."""

    due: Due
    attempt: LedgerAttempt
    leads: str | None
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


_Answer = tuple[asyncio.Future[Any], bool | Envelope | None]


class Ledger:
    """Asks and writes for messages about one event, by one channel."""

    def __init__(self, database: Database, record: Record) -> None:
        self._database = database
        self._record = record
        self._waiting: list[_Look | _End] = []
        self._turns: asyncio.Task[None] | None = None

    async def may_leave(self, due: Due, message_id: str) -> bool:
        """The last look: True marks the message as leaving, False settles it as skipped."""
        look = _Look(due, message_id)
        self._ask(look)
        answer: bool = await look.answer
        return answer

    async def settle(
        self, due: Due, attempt: LedgerAttempt, *, leads: str | None
    ) -> Envelope | None:
        """Writes down what an attempt came to; the event to ring for if it failed for good."""
        end = _End(due, attempt, leads)
        self._ask(end)
        failure: Envelope | None = await end.answer
        return failure

    def _ask(self, line: _Look | _End) -> None:
        self._waiting.append(line)
        if self._turns is None:
            # A task of its own: whoever asks and is cancelled must not take it from the others.
            self._turns = asyncio.create_task(self._take_turns())

    async def _take_turns(self) -> None:
        while self._waiting:
            lines, self._waiting = self._waiting, []
            try:
                async with self._database.account(self._record.account_id) as tenant:
                    # First, as everybody who changes a handoff's messages does.
                    await last_look.hold_still(tenant, self._record.id)
                    answers = [*await _settle(tenant, lines), *await self._look(tenant, lines)]
            except Exception as fault:
                for line in lines:
                    if not line.answer.done():
                        line.answer.set_exception(fault)
                continue
            for answer, said in answers:
                if not answer.done():
                    answer.set_result(said)
        self._turns = None

    async def _look(self, tenant: Tenant, lines: list[_Look | _End]) -> list[_Answer]:
        looks = {line.due.destination_id: line for line in lines if isinstance(line, _Look)}
        if not looks:
            return []
        about = next(iter(looks.values())).due
        ids = {destination: look.message_id for destination, look in looks.items()}
        may = await last_look.begin_sending(tenant, about, self._record, ids)
        return [(look.answer, destination in may) for destination, look in looks.items()]


async def _settle(tenant: Tenant, lines: list[_Look | _End]) -> list[_Answer]:
    ends = [line for line in lines if isinstance(line, _End)]
    if not ends:
        return []
    failures = await outbox.settle(tenant, [(end.due, end.attempt) for end in ends])
    for end in ends:
        if end.leads is not None:
            await settle_led(tenant, end.due, end.attempt, message_id=end.leads)
    return [(end.answer, failures.get(end.due.destination_id)) for end in ends]
