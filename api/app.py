"""The application: routes, errors and bounds put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.console import mount
from api.console.shared import faults
from api.endpoints import openapi
from api.http import problems
from api.http.body_limit import BodyLimit
from api.http.codec_door import CodecDoor
from api.http.local_names import LocalNames
from api.http.metrics import CountRequests, Metrics
from api.http.security_headers import SecurityHeaders
from api.routes import (
    account,
    analytics,
    api_tokens,
    bulk,
    claim_links,
    commands,
    events,
    files,
    handoffs,
    health,
    integrations,
    me,
    my_tokens,
    operator_answers,
    policy,
    presence,
    queue,
    search,
    sessions,
    slack_actions,
    teams,
    users,
    webhooks,
)
from api.scim import about, group_routes, outside, search_routes, user_routes
from api.services import Services
from handoff import operator
from handoff.addresses import Listen
from handoff.settings import Settings

DESCRIPTION = """
Durable escalations for support teams: recorded first, told by email and live push, claimed by
exactly one. Errors are RFC 9457 problems. Every POST takes an `Idempotency-Key`.
"""


def build(settings: Settings) -> FastAPI:
    """The API. Its parts are made when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Services.running(settings) as services:
            app.state.services = services
            told = operator_answers.answers(app, services)
            async with operator.serving(told, Listen.parse(settings.operator_listen)) as url:
                services.operator_url = url
                yield

    app = FastAPI(
        title="Handoff",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        strict_content_type=True,
        # Else a path with a slash too many would be sent on to wherever the Host header says.
        redirect_slashes=False,
        # The framework's own pages load from elsewhere; ours is in the console.
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = Metrics()
    problems.install(app, say=faults.say)
    outside.install(app)
    openapi.install(app)
    app.add_middleware(BodyLimit, within=settings.body_within, say=faults.say)
    app.add_middleware(CodecDoor, settings=settings)
    # The queue and the search before the sessions: their paths would read as a session's id.
    for routes in (
        queue,
        search,
        sessions,
        files,
        handoffs,
        commands,
        bulk,
        claim_links,
        events,
        presence,
        analytics,
        account,
        webhooks,
        policy,
        integrations,
        slack_actions,
        users,
        teams,
        api_tokens,
        about,
        search_routes,
        user_routes,
        group_routes,
        me,
        my_tokens,
        health,
    ):
        app.include_router(routes.router)
    mount.install(app, settings)
    if settings.embedded:
        app.add_middleware(LocalNames, settings=settings, say=faults.say)
    app.add_middleware(outside.Slashes)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(CountRequests, metrics=app.state.metrics)
    return app
