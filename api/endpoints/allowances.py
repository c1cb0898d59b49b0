"""Limits of single endpoints, as dependencies: an endpoint with one shows it in its decorator."""

from fastapi import Depends

from api.identity.callers import Caller, Parts, WorkingCaller
from handoff.contract.words import Command


async def _create(caller: WorkingCaller, parts: Parts) -> None:
    await parts.limits.create(caller)


async def _call(caller: Caller, parts: Parts) -> None:
    await parts.limits.call(caller)


async def _trial(caller: Caller, parts: Parts) -> None:
    await parts.limits.trial(caller)


CREATES = Depends(_create)
"""Counts as a new handoff. A repeat with the same Idempotency-Key does not come here."""

CALLING = frozenset(
    {
        *(Command.RELEASE, Command.PROMOTE, Command.ESCALATE_NOW),
        *(Command.TRANSFER, Command.CALL, Command.CHANGE),
    }
)
"""The commands that call people: those whose endpoints bear `CALLS`."""

CALLS = Depends(_call)
"""Counts as a command that calls people. A repeat with the same key does not come here either."""

TRIALS = Depends(_trial)
"""Counts as a test notification."""
