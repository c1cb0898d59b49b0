"""Whether this process lives, and whether it can do its work."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.identity.callers import Parts
from api.services import Services
from handoff.database.operations import health
from handoff.rules.channels import Channel, sent_one_by_one
from handoff.temporal import queues

router = APIRouter(tags=["health"])

WITHIN = 2.0
POLLED_WITHIN = timedelta(seconds=90)
"""A worker's question for work waits a minute for its answer."""

FRESH_FOR = 1.0
"""Seconds: whoever may reach us may ask, and that often the parts are asked at most."""

STARTING_FOR = 0.05
"""The same until all was well for the first time: somebody waits for the start."""

TROUBLE_WITHIN = timedelta(minutes=10)


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
    found: Readiness = await parts.readiness.get(
        lambda: _look(parts),
        fresh_for=lambda found: FRESH_FOR if _has_been_well(parts, found) else STARTING_FOR,
    )
    if found.status is Health.FAILED:
        response.status_code = 503
    return found


def _has_been_well(parts: Services, found: Readiness) -> bool:
    parts.has_been_well = parts.has_been_well or found.status is Health.OK
    return parts.has_been_well


async def _look(parts: Services) -> Readiness:
    """All parts at once, over connections that nobody else waits for."""
    probes = {
        "postgresql": _check(parts.probed.ping(), "PostgreSQL does not answer"),
        "temporal": _check(_ask_engine(parts), "Temporal does not answer"),
        "redis": _check(_ping_redis(parts), "Redis does not answer", worst=Health.DEGRADED),
        "worker": _check(_ask_for_workers(parts), "No worker", worst=Health.DEGRADED),
        "rounds": _check(_rounds(parts), "PostgreSQL does not answer"),
        **{
            row.message: _check(_channel(parts, row), "PostgreSQL does not answer")
            for row in sent_one_by_one()
        },
        "audit": _check(_audit(parts), "PostgreSQL does not answer"),
        "notices": _check(_notices(parts), "PostgreSQL does not answer", worst=Health.DEGRADED),
    }
    found = await asyncio.gather(*probes.values())
    checks = dict(zip(probes, found, strict=True))
    order = list(Health)
    status = max((check.status for check in checks.values()), key=order.index)
    return Readiness(status=status, checks=checks)


class _Unwell(Exception):
    """A part answers, and does not do its work. The message says what is wrong."""


async def _check(
    probe: Coroutine[Any, Any, None], detail: str, *, worst: Health = Health.FAILED
) -> Check:
    try:
        async with asyncio.timeout(WITHIN):
            await probe
    except _Unwell as unwell:
        return Check(status=worst, detail=str(unwell))
    except Exception:  # Whatever goes wrong, the part is not healthy.
        return Check(status=worst, detail=detail)
    return Check(status=Health.OK)


async def _ask_engine(parts: Services) -> None:
    if not await parts.temporal.service_client.check_health():
        raise _Unwell("Temporal is not serving")


async def _ask_for_workers(parts: Services) -> None:
    """Creates are answered 202, and nothing is told, while no worker asks for work."""
    polled = await queues.last_polled(parts.temporal, parts.settings.task_queue)
    if polled is None or datetime.now(UTC) - polled > POLLED_WITHIN:
        raise _Unwell("No worker asks for work; start one")


async def _ping_redis(parts: Services) -> None:
    await parts.redis.ping()


async def _rounds(parts: Services) -> None:
    late = await health.overdue(parts.probed, grace=parts.settings.audit_grace)
    if late:
        raise _Unwell("late rounds: " + ", ".join(str(finding.handoff_id) for finding in late))


async def _channel(parts: Services, channel: Channel) -> None:
    # Longer than the longest pause between two attempts, or trouble would seem over meanwhile.
    within = max(parts.settings.smtp_retry_maximum * 1.5, TROUBLE_WITHIN)
    cause = await health.channel_trouble(parts.probed, channel, within=within)
    if cause is not None:
        raise _Unwell(f"{channel.label} cannot be used: {cause}")


async def _audit(parts: Services) -> None:
    audit = await health.latest_audit(parts.probed)
    if audit is None:
        return
    if audit.age > parts.settings.audit_every * 3 + parts.settings.audit_grace:
        raise _Unwell("the auditor has not looked for long; see its schedule in Temporal")
    grave = [finding for finding in audit.findings if finding["kind"] not in health.NOTICES]
    if grave:
        raise _Unwell(", ".join(f"{finding['kind']} {finding['handoff_id']}" for finding in grave))


async def _notices(parts: Services) -> None:
    """What somebody should know of, while everything does its work."""
    ours = health.clock_trouble("this API's", await health.clock_ahead(parts.probed))
    audit = await health.latest_audit(parts.probed)
    found = audit.findings if audit else []
    said = [
        f"{finding['detail']} {finding['handoff_id']}".strip()
        for finding in found
        if finding["kind"] in health.NOTICES
    ]
    if ours:
        said.append(ours)
    if said:
        raise _Unwell("; ".join(said))
