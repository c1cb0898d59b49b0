"""Whether this process lives, and whether it can do its work."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Response

from api.identity.callers import Parts
from api.services import Services
from handoff.database.operations import health
from handoff.errors import FilesUnreachable
from handoff.readiness import DetailedReadiness, Health, Readiness, Unwell, check, together
from handoff.rules.channels import Channel, sent_one_by_one
from handoff.temporal import queues

router = APIRouter(tags=["health"])

POLLED_WITHIN = timedelta(seconds=90)
"""A worker's question for work waits a minute for its answer."""

FRESH_FOR = 1.0
"""Seconds: whoever may reach us may ask, and that often the parts are asked at most."""

STARTING_FOR = 0.05
"""The same until all was well for the first time: somebody waits for the start."""

TROUBLE_WITHIN = timedelta(minutes=10)


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
    """A word for each part. Redis down is degraded: streams go on by reading PostgreSQL. Why, and
    of which handoffs, the operator's address says."""
    found = await readiness(parts)
    if found.status is Health.FAILED:
        response.status_code = 503
    return found.in_words()


async def readiness(parts: Services) -> DetailedReadiness:
    """Found out once a moment, whoever asks."""
    found: DetailedReadiness = await parts.readiness.get(
        lambda: _look(parts),
        fresh_for=lambda found: FRESH_FOR if _has_been_well(parts, found) else STARTING_FOR,
    )
    return found


def _has_been_well(parts: Services, found: DetailedReadiness) -> bool:
    parts.has_been_well = parts.has_been_well or found.status is Health.OK
    return parts.has_been_well


async def _look(parts: Services) -> DetailedReadiness:
    """All parts at once, over connections that nobody else waits for."""
    probes = {
        "postgresql": check(parts.probed.ping(), "PostgreSQL does not answer"),
        "temporal": check(_ask_engine(parts), "Temporal does not answer"),
        "redis": check(_ping_redis(parts), "Redis does not answer", worst=Health.DEGRADED),
        "worker": check(_ask_for_workers(parts), "No worker", worst=Health.DEGRADED),
        "rounds": check(_rounds(parts), "PostgreSQL does not answer"),
        **{
            row.message: check(
                _channel(parts, row),
                "PostgreSQL does not answer",
                # A chat that is away is told of as well: people have their mail.
                worst=Health.FAILED if row.reaches_people else Health.DEGRADED,
            )
            for row in sent_one_by_one()
            if not row.each_its_own
        },
        "audit": check(_audit(parts), "PostgreSQL does not answer"),
        "notices": check(_notices(parts), "PostgreSQL does not answer", worst=Health.DEGRADED),
    }
    if parts.settings.files_url is not None:
        away = "The bucket of HANDOFF_FILES_URL does not answer"
        probes["files"] = check(_ask_bucket(parts), away, worst=Health.DEGRADED)
    return await together(probes)


async def _ask_engine(parts: Services) -> None:
    if not await parts.temporal.service_client.check_health():
        raise Unwell("Temporal is not serving")


async def _ask_for_workers(parts: Services) -> None:
    """Creates are answered 202, and nothing is told, while no worker asks for work."""
    polled = await queues.last_polled(parts.temporal, parts.settings.task_queue)
    if polled is None or datetime.now(UTC) - polled > POLLED_WITHIN:
        raise Unwell("No worker asks for work; start one")


async def _ask_bucket(parts: Services) -> None:
    try:
        await parts.contents.ask()
    except FilesUnreachable as fault:
        raise Unwell(f"The bucket of HANDOFF_FILES_URL: {fault.cause}") from None


async def _ping_redis(parts: Services) -> None:
    await parts.redis.ping()


async def _rounds(parts: Services) -> None:
    late = await health.overdue(parts.probed, grace=parts.settings.audit_grace)
    if late:
        raise Unwell("late rounds: " + ", ".join(str(finding.handoff_id) for finding in late))


async def _channel(parts: Services, channel: Channel) -> None:
    # Longer than the longest pause between two attempts, or trouble would seem over meanwhile.
    within = max(parts.settings.smtp_retry_maximum * 1.5, TROUBLE_WITHIN)
    cause = await health.channel_trouble(parts.probed, channel, within=within)
    if cause is not None:
        raise Unwell(f"{channel.label} cannot be used: {cause}")


async def _audit(parts: Services) -> None:
    audit = await health.latest_audit(parts.probed)
    if audit is None:
        return
    if audit.age > parts.settings.audit_every * 3 + parts.settings.audit_grace:
        raise Unwell("the auditor has not looked for long; see its schedule in Temporal")
    grave = [finding for finding in audit.findings if finding["kind"] not in health.NOTICES]
    if grave:
        raise Unwell(", ".join(f"{finding['kind']} {finding['handoff_id']}" for finding in grave))


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
        raise Unwell("; ".join(said))
