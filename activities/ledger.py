"""One batch's lines in the ledger. What several of its messages ask for in the same moment is one
transaction: they gather for a moment, and while PostgreSQL answers the ones before.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from activities.sender import Occasion
from handoff.contract.messages import Envelope
from handoff.database import outages
from handoff.database.gate import Database, Tenant
from handoff.database.messages import last_look, settling
from handoff.database.messages.bundles import Led, settle_led
from handoff.database.messages.last_look import Leaves, Wanted
from handoff.database.messages.outbox import Due
from handoff.database.messages.settling import LedgerAttempt

logger = structlog.get_logger(__name__)

RESTS = 0.5
"""Seconds until PostgreSQL is asked again while it is away."""

GATHERS = 0.01
"""Seconds that messages wait for company at PostgreSQL's door, where many are to leave. A mail
server takes about as long for one, so several come by in that time; a claim stops them no later.
"""


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """May this message leave?"""

    due: Due
    wanted: Wanted
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    """What an attempt came to, and for those for which the message spoke, if it did."""

    due: Due
    attempt: LedgerAttempt
    led: LedgerAttempt | None
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


_Answer = tuple[asyncio.Future[Any], Occasion | Envelope | None]


class Ledger:
    """Asks and writes for messages about one event, by one channel."""

    def __init__(self, database: Database, account_id: UUID, *, many: bool) -> None:
        """`many`: more messages than can leave at once."""
        self._database = database
        self._account_id = account_id
        self._gathering = GATHERS if many else 0
        self._waiting: list[_Look | _End] = []
        self._turns: asyncio.Task[None] | None = None
        self._ends = asyncio.Event()

    def hurry(self) -> None:
        """Whoever asks is about to end: nothing waits for PostgreSQL to come back any more."""
        self._ends.set()

    async def may_leave(
        self, due: Due, message_id: str, *, led: Sequence[Led] = ()
    ) -> Occasion | None:
        """The last look: what the message has to say, now that it is marked as leaving; None
        where it is settled as skipped."""
        look = _Look(due, Wanted(message_id, due.address, tuple(led)))
        self._ask(look)
        answer: Occasion | None = await look.answer
        return answer

    async def settle(
        self, due: Due, attempt: LedgerAttempt, *, led: LedgerAttempt | None
    ) -> Envelope | None:
        """Writes down what an attempt came to; the event to ring for if it failed for good."""
        end = _End(due, attempt, led)
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
            await asyncio.sleep(self._gathering)
            lines, self._waiting = self._waiting, []
            try:
                async with self._database.account(self._account_id) as tenant:
                    # First, as everybody who changes a handoff's messages does.
                    await last_look.hold_still(tenant, _concerned(lines))
                    answers = [*await _settle(tenant, lines), *await _look(tenant, lines)]
            except Exception as fault:
                await self._fail(lines, fault)
                continue
            for answer, said in answers:
                if not answer.done():
                    answer.set_result(said)
        self._turns = None

    async def _fail(self, lines: list[_Look | _End], fault: Exception) -> None:
        """While PostgreSQL is away, an answer that the other side gave is kept until it is written:
        what it took must not be sent again. Looks wait for as long as their sender has patience."""
        waiting = [line for line in lines if not line.answer.done()]
        if self._ends.is_set() or not outages.is_outage(fault):
            for line in waiting:
                line.answer.set_exception(fault)
            return
        logger.warning("ledger.unwritten", cause=outages.cause(fault), messages=len(waiting))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ends.wait(), RESTS)
        self._waiting = [*waiting, *self._waiting]


def _concerned(lines: list[_Look | _End]) -> set[UUID]:
    """The handoffs of these messages, and of those for which they speak."""
    led = {one.handoff_id for line in lines if isinstance(line, _Look) for one in line.wanted.led}
    return led | {line.due.handoff_id for line in lines}


async def _look(tenant: Tenant, lines: list[_Look | _End]) -> list[_Answer]:
    looks = {line.due.destination_id: line for line in lines if isinstance(line, _Look)}
    if not looks:
        return []
    about = next(iter(looks.values())).due
    wanted = {destination: look.wanted for destination, look in looks.items()}
    may = await last_look.begin_sending(tenant, about, wanted)
    return [
        (look.answer, _occasion(look, may.get(destination))) for destination, look in looks.items()
    ]


def _occasion(look: _Look, leaves: Leaves | None) -> Occasion | None:
    if leaves is None:
        return None
    return Occasion(
        look.due, leaves.record, leaves.companions, said=leaves.said, files=leaves.files
    )


async def _settle(tenant: Tenant, lines: list[_Look | _End]) -> list[_Answer]:
    ends = [line for line in lines if isinstance(line, _End)]
    if not ends:
        return []
    failures = await settling.settle(tenant, [(end.due, end.attempt) for end in ends])
    for end in ends:
        if end.led is not None:
            await settle_led(tenant, end.due, end.led)
    return [(end.answer, failures.get(end.due.destination_id)) for end in ends]
