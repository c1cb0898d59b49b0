"""How a process's parts do: a word for each; and why, for whoever runs it. No probe of its own."""

import asyncio
from collections.abc import Coroutine, Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from handoff.database.outages import cause

WITHIN = 2.0
"""Seconds that a part has to answer."""


class Health(StrEnum):
    """How a part does."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Word(BaseModel):
    """One part's health."""

    status: Health


class Readiness(BaseModel):
    """All parts together: as bad as the worst of them."""

    status: Health
    checks: dict[str, Word]


class Check(Word):
    """One part's health, and what to do about it."""

    detail: str | None = None


class DetailedReadiness(BaseModel):
    """The same for the operator, with what is wrong, and of which handoffs."""

    status: Health
    checks: dict[str, Check]

    def in_words(self) -> Readiness:
        """What everybody may know."""
        checks = {name: Word(status=check.status) for name, check in self.checks.items()}
        return Readiness(status=self.status, checks=checks)


class Unwell(Exception):
    """A part answers, and does not do its work. The message says what is wrong."""


async def check(
    probe: Coroutine[Any, Any, None], detail: str, *, worst: Health = Health.FAILED
) -> Check:
    """What came of a look at one part; `detail` where it does not answer, and why."""
    try:
        async with asyncio.timeout(WITHIN):
            await probe
    except Unwell as unwell:
        return Check(status=worst, detail=str(unwell))
    except Exception as fault:  # Whatever goes wrong, the part is not healthy.
        return Check(status=worst, detail=f"{detail}: {cause(fault)}")
    return Check(status=Health.OK)


async def together(probes: Mapping[str, Coroutine[Any, Any, Check]]) -> DetailedReadiness:
    """All of them at once."""
    found = await asyncio.gather(*probes.values())
    checks = dict(zip(probes, found, strict=True))
    order = list(Health)
    status = max((one.status for one in found), key=order.index)
    return DetailedReadiness(status=status, checks=checks)
