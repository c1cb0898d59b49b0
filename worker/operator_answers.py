"""What the operator's address answers in the worker: whether it lives, its parts, its numbers."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from temporalio.client import Client

from handoff.database.operations import health
from handoff.operator import Answers
from handoff.readiness import Health, Unwell, check, together
from worker.build import Parts


def answers(client: Client, parts: Parts) -> Answers:
    """By path."""

    async def livez() -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz() -> Response:
        found = await together(
            {
                "postgresql": check(parts.database.ping(), "PostgreSQL does not answer"),
                "temporal": check(_ask_engine(client), "Temporal does not answer"),
                "clock": check(_clock(parts), "the clocks are not known", worst=Health.DEGRADED),
                "redis": check(_ping(parts), "Redis does not answer", worst=Health.DEGRADED),
            }
        )
        status = 503 if found.status is Health.FAILED else 200
        return JSONResponse(found.model_dump(mode="json"), status)

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


async def _ask_engine(client: Client) -> None:
    if not await client.service_client.check_health():
        raise Unwell("Temporal is not serving")


async def _clock(parts: Parts) -> None:
    """Each worker's own: whichever one the auditor runs in knows no other's."""
    trouble = health.clock_trouble("this worker's", await health.clock_ahead(parts.database))
    if trouble:
        raise Unwell(trouble)


async def _ping(parts: Parts) -> None:
    await parts.redis.ping()
