"""Whether this process lives, and whether it can do its work."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.identity import Parts
from api.services import Services
from handoff.errors import EngineUnreachable

router = APIRouter(tags=["health"])

WITHIN = 2.0


class Health(StrEnum):
    """How a part does."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Check(BaseModel):
    """One part's health, and what to do about it."""

    status: Health
    detail: str | None = None


class Readiness(BaseModel):
    """All parts together: as bad as the worst of them."""

    status: Health
    checks: dict[str, Check]


@router.get("/livez", operation_id="getLiveness")
async def livez() -> dict[str, str]:
    """This process answers. Touches nothing."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    operation_id="getReadiness",
    responses={503: {"model": Readiness, "description": "It cannot do its work"}},
)
async def readyz(response: Response, parts: Parts) -> Readiness:
    """Each part's health. Redis down is degraded: streams go on by reading PostgreSQL."""
    names = ("postgresql", "temporal", "redis")
    found = await asyncio.gather(
        _check(parts.database.ping(), "PostgreSQL does not answer"),
        _check(_ask_engine(parts), "Temporal does not answer"),
        _check(_ping_redis(parts), "Redis does not answer", worst=Health.DEGRADED),
    )
    checks = dict(zip(names, found, strict=True))
    order = list(Health)
    status = max((check.status for check in checks.values()), key=order.index)
    if status is Health.FAILED:
        response.status_code = 503
    return Readiness(status=status, checks=checks)


async def _check(
    probe: Coroutine[Any, Any, None], detail: str, *, worst: Health = Health.FAILED
) -> Check:
    try:
        async with asyncio.timeout(WITHIN):
            await probe
    except Exception:  # Whatever goes wrong, the part is not healthy.
        return Check(status=worst, detail=detail)
    return Check(status=Health.OK)


async def _ask_engine(parts: Services) -> None:
    if not await parts.temporal.service_client.check_health():
        raise EngineUnreachable("Temporal is not serving.")


async def _ping_redis(parts: Services) -> None:
    await parts.redis.ping()
