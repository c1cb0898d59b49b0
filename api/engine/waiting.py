"""Waiting for what somebody asked the engine to try: not for long, and with an honest answer."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from temporalio.client import WorkflowFailureError, WorkflowHandle

from handoff.errors import EngineUnreachable, Unreachable
from handoff.temporal.connect import UNANSWERED

START_WITHIN, WAIT = 2.5, 5.0

Result = TypeVar("Result")


async def result_of(starting: Awaitable[WorkflowHandle[Any, Result]]) -> Result | None:
    """What became of it; None when that takes longer than five seconds.

    Raises:
        EngineUnreachable: nothing was started.
        Unreachable: it could not be carried out.
    """
    try:
        async with asyncio.timeout(START_WITHIN):
            handle = await starting
    except UNANSWERED as fault:
        raise EngineUnreachable("The engine does not answer. Nothing was sent.") from fault
    try:
        async with asyncio.timeout(WAIT):
            return await handle.result()
    except WorkflowFailureError as fault:
        raise Unreachable("The test could not be carried out. Try again.") from fault
    except UNANSWERED:
        return None
