"""What requests work with: made once in the lifespan, closed at its end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from temporalio.client import Client

from api.engine.own_worker import OwnWorker
from api.http.rate_limits import RateLimits
from api.http.shared_answers import Shared
from api.http.uploads import Uploads
from api.identity.bearer_tokens import TokenVerifier
from api.identity.proven import ProvenTokens
from api.live.hub import Hub
from api.live.manners import Manners
from api.live.presence import Presence
from handoff import live
from handoff.contract.messages import HandoffStart
from handoff.contract.record import Record
from handoff.database.contents import Content, Contents
from handoff.database.gate import Database
from handoff.database.handoffs.announcing import announce
from handoff.database.handoffs.transitions import Changed
from handoff.errors import FilesUnreachable
from handoff.keys import keyring_of
from handoff.settings import Settings
from handoff.temporal.connect import UNANSWERED, connect
from workflows.starting import nudge

logger = structlog.get_logger(__name__)

SIGNAL_WITHIN = 0.5
RUNG_WITHIN = 0.1

PROBES = 2
"""Connections to PostgreSQL for what strangers may ask: never those that people wait for."""


@dataclass(slots=True)
class Services:
    """The API's parts."""

    settings: Settings
    database: Database
    probed: Database
    redis: Redis
    temporal: Client
    tokens: TokenVerifier
    hub: Hub
    doorbell: live.Doorbell
    presence: Presence
    limits: RateLimits
    own_worker: OwnWorker
    contents: Contents
    proven: ProvenTokens = field(default_factory=ProvenTokens)
    uploads: Uploads = field(default_factory=Uploads)
    readiness: Shared[Any] = field(default_factory=Shared)
    counts: Shared[Any] = field(default_factory=Shared)
    has_been_well: bool = False
    operator_url: str = ""
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings) -> AsyncIterator["Services"]:
        """Nothing connects before it is used, so the API starts while its parts are down."""
        async with _verifier(settings) as tokens:
            database = Database.connect(settings, pool_size=20, confined=True)
            redis = live.new_client(settings)
            hub = Hub(database, Manners.of(settings))
            services = cls(
                settings=settings,
                database=database,
                probed=Database.connect(settings, pool_size=PROBES, confined=True),
                redis=redis,
                temporal=await connect(keyring=keyring_of(settings), lazy=True),
                tokens=tokens,
                hub=hub,
                doorbell=live.Doorbell(
                    redis,
                    accounts=lambda: hub.accounts,
                    heard=hub.heard,
                    people=hub.people_changed,
                ),
                presence=Presence(redis, hub),
                limits=RateLimits(settings, redis),
                own_worker=OwnWorker(settings, redis),
                contents=Contents(database, settings),
            )
            following = [
                asyncio.create_task(services.doorbell.run()),
                asyncio.create_task(services.presence.run()),
            ]
            services.own_worker.start()
            try:
                yield services
            finally:
                await services.own_worker.stop()
                for task in following:
                    task.cancel()
                await asyncio.wait(following)
                await services._close()

    async def _close(self) -> None:
        await self.presence.leave()
        await self.hub.close()
        if self._background:
            await asyncio.wait(self._background, timeout=1)
        await self.readiness.close()
        await self.counts.close()
        await self.redis.aclose()
        await self.probed.close()
        await self.database.close()

    def announce(self, changed: Changed, *, name: str) -> None:
        """Rings for a committed change and tells its workflow, behind the caller's back.

        The verdict is final already. A lost bell is rung again by the push activity, a lost
        signal is repeated by the worker.
        """
        if changed.envelope is not None:
            self._later(self._announce(changed, name))

    def people_changed(self, account_id: UUID) -> None:
        """Open streams of the account ask at once whether their readers may still read."""
        self._later(live.people_changed(self.redis, account_id))

    def forget(self, content: Content) -> None:
        """What was in a file whose row is gone, behind the caller's back."""
        self._later(self._forget(content))

    async def _forget(self, content: Content) -> None:
        try:
            await self.contents.delete(content)
        except FilesUnreachable as fault:
            # The record says that it is left; the auditor takes it away.
            logger.warning("file.not_forgotten", file_id=str(content.file_id), cause=fault.cause)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _announce(self, changed: Changed, name: str) -> None:
        ringing = asyncio.create_task(announce(self.database, self.redis, changed))
        # Rung before the workflow looks, it finds nothing to ring; a slow Redis is not waited for.
        await asyncio.wait([ringing], timeout=RUNG_WITHIN)
        await self._signal(changed.record, name)
        await ringing

    async def _signal(self, record: Record, name: str) -> None:
        try:
            async with asyncio.timeout(SIGNAL_WITHIN):
                await nudge(
                    self.temporal,
                    HandoffStart(record.account_id, record.id),
                    name,
                    task_queue=self.settings.task_queue,
                    priority=record.priority,
                    intent=record.intent,
                    session_id=record.session_id,
                )
        except UNANSWERED as fault:
            logger.warning("signal.lost", handoff_id=str(record.id), cause=type(fault).__name__)


@asynccontextmanager
async def _verifier(settings: Settings) -> AsyncIterator[TokenVerifier]:
    """A client of HTTP is loaded only where a provider has keys to be asked for."""
    if settings.auth_jwks_url is None:
        yield TokenVerifier(settings)
        return
    import httpx

    async with httpx.AsyncClient() as http:
        tokens = TokenVerifier(settings, http)
        try:
            yield tokens
        finally:
            await tokens.aclose()
