"""`/metrics` for Prometheus: numbers only, over all accounts."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.identity.callers import Parts
from api.services import Services
from handoff.database import outages
from handoff.database.operations import counts
from handoff.database.operations.counts import Counts

FRESH_FOR = 1.0
"""Seconds: whoever may reach us may ask, and that often PostgreSQL is asked at most."""

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, parts: Parts) -> Response:
    """This process's requests and streams, and how many handoffs and mails wait."""
    found = await parts.counts.get(lambda: _count(parts), fresh_for=lambda _: FRESH_FOR)
    body = request.app.state.metrics.render(
        found,
        streams=parts.hub.streams,
        eager_starts={"hit": parts.own_worker.hits, "miss": parts.own_worker.misses},
    )
    return Response(body, media_type=CONTENT_TYPE_LATEST)


async def _count(parts: Services) -> Counts | None:
    try:
        return await counts.count(parts.probed)
    except outages.AWAY:
        return None
