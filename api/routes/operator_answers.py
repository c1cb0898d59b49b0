"""What the operator's address answers in the API: liveness, readiness with details, numbers."""

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from api.routes.health import readiness
from api.services import Services
from handoff.database import outages
from handoff.database.operations import counts
from handoff.database.operations.counts import Counts
from handoff.operator import Answers
from handoff.readiness import Health

FRESH_FOR = 1.0
"""Seconds: that often PostgreSQL is asked at most, whoever asks."""


def answers(app: FastAPI, parts: Services) -> Answers:
    """By path."""

    async def livez() -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz() -> Response:
        found = await readiness(parts)
        status = 503 if found.status is Health.FAILED else 200
        return JSONResponse(found.model_dump(mode="json"), status)

    async def metrics() -> Response:
        """This process's requests and streams, and how many handoffs and mails wait."""
        found = await parts.counts.get(lambda: _count(parts), fresh_for=lambda _: FRESH_FOR)
        body = app.state.metrics.render(
            found,
            streams=parts.hub.streams,
            eager_starts={"hit": parts.own_worker.hits, "miss": parts.own_worker.misses},
        )
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


async def _count(parts: Services) -> Counts | None:
    try:
        return await counts.count(parts.probed)
    except outages.AWAY:
        return None
