"""Repeats lost signals: a version that the engine has not seen is signalled until it has."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from handoff.contract.messages import HandoffStart
from handoff.database import outages
from handoff.database.gate import Database
from handoff.database.operations import upkeep
from handoff.database.operations.upkeep import Living
from handoff.temporal.connect import UNANSWERED
from worker.orphans import replace_flooded
from workflows.starting import nudge

logger = structlog.get_logger(__name__)

AT_ONCE = 100
AT_THE_SAME_TIME = 10
SIGNAL_WITHIN = 2.0

LONGEST_PAUSE = timedelta(minutes=5)
"""A workflow that does not go on is told ever more rarely: 10,000 signals would be its end."""

_NOBODY_THERE = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
)


async def repeat_nudges(
    client: Client, database: Database, *, after: timedelta, task_queue: str
) -> None:
    """Runs until it is cancelled. A pause of `after` lies between two looks."""
    nudges = Nudges(client, database, after=after, task_queue=task_queue)
    while True:
        await asyncio.sleep(after.total_seconds())
        try:
            await nudges.repeat()
        except (*outages.AWAY, RPCError) as fault:
            logger.warning("nudges.failed", cause=outages.cause(fault))
        except Exception:  # Whatever it was, lost signals must still be repeated.
            logger.exception("nudges.stumbled")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change that the engine was told of, and has not seen yet."""

    pause: float
    again_at: float


class Nudges:
    """What the engine was told of lately, and when it is to be told again."""

    def __init__(
        self, client: Client, database: Database, *, after: timedelta, task_queue: str
    ) -> None:
        self._client = client
        self._database = database
        self._after = after
        self._task_queue = task_queue
        self._asked: dict[tuple[UUID, int], _Asked] = {}

    async def repeat(self) -> int:
        """One look; how many were nudged. A workflow that is stuck holds up no other one.

        Raises:
            RPCError, TimeoutError: the engine does not answer anybody at present.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        resting = {change for change, asked in self._asked.items() if asked.again_at > began}
        found = await upkeep.unseen(
            self._database, older_than=self._after, but=resting, limit=AT_ONCE
        )
        still = resting.union((living.handoff_id, living.version) for living in found)
        self._asked = {change: self._asked[change] for change in still & self._asked.keys()}
        # Those that did not answer before come last.
        found.sort(key=lambda living: (living.handoff_id, living.version) in self._asked)
        for start in range(0, len(found), AT_THE_SAME_TIME):
            some = found[start : start + AT_THE_SAME_TIME]
            answered = await asyncio.gather(*map(self._nudge, some))
            if not any(answered) and not await self._is_there():
                raise TimeoutError("the engine answers nobody")
            # One that is never answered rests as well, for as long at least as it has held up the
            # others, so nobody waits behind it for good.
            for living in some:
                self._rest(living, clock(), at_least=clock() - began)
        return len(found)

    async def _is_there(self) -> bool:
        try:
            async with asyncio.timeout(SIGNAL_WITHIN):
                return await self._client.service_client.check_health()
        except UNANSWERED:
            return False

    def _rest(self, living: Living, now: float, *, at_least: float) -> None:
        change = (living.handoff_id, living.version)
        before = self._asked.get(change)
        pause = before.pause * 2 if before else self._after.total_seconds()
        pause = min(pause, LONGEST_PAUSE.total_seconds())
        self._asked[change] = _Asked(pause, now + max(pause, at_least))

    async def _nudge(self, living: Living) -> bool:
        """Whether the engine answered. A workflow that ended, or was lost with the engine's store,
        is there again after this."""
        handoff_id = str(living.handoff_id)
        try:
            async with asyncio.timeout(SIGNAL_WITHIN):
                await look_again(self._client, living, task_queue=self._task_queue)
        except RPCError as refused:
            logger.warning("nudge.refused", handoff_id=handoff_id, cause=refused.status.name)
            return refused.status not in _NOBODY_THERE and await self._replace(living)
        except UNANSWERED as fault:
            logger.warning("nudge.unanswered", handoff_id=handoff_id, cause=type(fault).__name__)
            return False
        logger.info("nudge.repeated", handoff_id=handoff_id, version=living.version)
        return True

    async def _replace(self, living: Living) -> bool:
        """One that takes no signals any more is not waited for, if a flood is the reason."""
        try:
            async with asyncio.timeout(SIGNAL_WITHIN):
                await replace_flooded(self._client, living, task_queue=self._task_queue)
        except UNANSWERED as fault:
            handoff_id, cause = str(living.handoff_id), type(fault).__name__
            logger.warning("nudge.unanswered", handoff_id=handoff_id, cause=cause)
        return True


async def look_again(client: Client, living: Living, *, task_queue: str) -> None:
    """Tells a handoff's workflow to look at its record.

    Raises:
        One of `UNANSWERED`: the engine did not take it.
    """
    await nudge(
        client,
        HandoffStart(living.account_id, living.handoff_id),
        "look",
        task_queue=task_queue,
        priority=living.priority,
        intent=living.intent,
        session_id=living.session_id,
    )
