"""`/metrics` for Prometheus: numbers only, over all accounts."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.identity.callers import Parts
from handoff.database import outages
from handoff.database.operations import counts

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, parts: Parts) -> Response:
    """This process's requests and streams, and how many handoffs and mails wait."""
    try:
        found = await counts.count(parts.database)
    except outages.AWAY:
        found = None
    body = request.app.state.metrics.render(
        found,
        streams=parts.hub.streams,
        eager_starts={"hit": parts.own_worker.hits, "miss": parts.own_worker.misses},
    )
    return Response(body, media_type=CONTENT_TYPE_LATEST)
