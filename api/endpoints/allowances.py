"""Limits of single endpoints, as dependencies: an endpoint with one shows it in its decorator."""

from fastapi import Depends

from api.identity.callers import Caller, Parts, WorkingCaller


async def _create(caller: WorkingCaller, parts: Parts) -> None:
    await parts.limits.create(caller)


async def _trial(caller: Caller, parts: Parts) -> None:
    await parts.limits.trial(caller)


CREATES = Depends(_create)
"""Counts as a new handoff. A repeat with the same Idempotency-Key does not come here."""

TRIALS = Depends(_trial)
"""Counts as a test notification."""
