"""Prometheus metrics of this process: requests by route, and the desk's numbers at each scrape."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff.database.operations.counts import Counts

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
UNROUTED = "(none)"


class Metrics:
    """One registry per application, so that tests may have many in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "handoff_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "handoff_http_request_seconds",
            "From the request's first byte to the answer's first byte",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._streams = self._gauge("streams_open", "Live streams of this process")
        self._living = self._gauge("handoffs", "Handoffs that live", "status", "priority")
        self._unanswered = self._gauge("handoffs_unanswered", "Open after their last round")
        self._overdue = self._gauge("handoffs_overdue", "Open, and their next step is late")
        self._alone = self._gauge(
            "handoffs_without_recipients", "Open, and a round of theirs had nobody to tell"
        )
        self._eager = self._gauge(
            "eager_starts",
            "Handoffs that this process started, by who had their first task",
            "result",
        )
        self._unsettled = self._gauge(
            "messages_unsettled", "Messages still to be sent", "channel", "state"
        )

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"handoff_{name}", about, labels, registry=self.registry)

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(
        self, counts: Counts | None, *, streams: int, eager_starts: Mapping[str, int]
    ) -> bytes:
        """The exposition. Without PostgreSQL, what it counts is left out."""
        self._streams.set(streams)
        for result, number in eager_starts.items():
            self._eager.labels(result).set(number)
        for gauge in (self._living, self._unsettled):
            gauge.clear()
        if counts is not None:
            self._take(counts)
        return generate_latest(self.registry)

    def _take(self, counts: Counts) -> None:
        for row in counts.living:
            self._living.labels(row.status.value, row.priority.value).set(row.number)
        for owed in counts.unsettled:
            self._unsettled.labels(owed.channel, owed.state.value).set(owed.number)
        self._unanswered.set(counts.unanswered)
        self._overdue.set(counts.overdue)
        self._alone.set(counts.without_recipients)


class CountRequests:
    """Counts every HTTP request under its route's template, never under its path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Other kinds of connections pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered(
                    method=_method(scope),
                    route=getattr(scope.get("route"), "path", UNROUTED),
                    status=message["status"],
                    seconds=time.monotonic() - began,
                )
            await send(message)

        await self._app(scope, receive, sending)


def _method(scope: Scope) -> str:
    """Clients may invent methods; each would be a time series of its own."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    method = str(scope["method"])
    return method if method in known else "OTHER"
