"""Notices when the engine comes back without its store, and starts everything again at once.

Without its namespace workers cannot ask for work, and without its schedule nobody asks the auditor
to look.
"""

import asyncio

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from handoff.database import outages
from handoff.database.gate import Database
from handoff.database.operations import upkeep
from handoff.database.operations.upkeep import Living
from handoff.settings import Settings
from handoff.temporal.connect import UNANSWERED, prepare_namespace
from worker.orphans import start_again

logger = structlog.get_logger(__name__)

LOOK_EVERY = 2.0
ANSWERS_WITHIN = 5.0
AT_THE_SAME_TIME = 10
PAGE = 1000


class StoreWatch:
    """Which store the engine has. A namespace of another id is another store's."""

    def __init__(self, client: Client, database: Database, settings: Settings) -> None:
        self._client = client
        self._database = database
        self._settings = settings
        self._known: str | None = None

    async def until_it_is_lost(self) -> None:
        """Returns once another one is there, with everything started again in it."""
        while True:
            try:
                if await self.look():
                    return
            except (*UNANSWERED, *outages.AWAY) as fault:
                logger.debug("store.unseen", cause=outages.cause(fault))
            except Exception:  # Whatever it was, the next look has to come.
                logger.exception("store.stumbled")
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> bool:
        """Whether it was lost, and what was in it is there again.

        Raises:
            One of `UNANSWERED` or `outages.AWAY`: the next look begins with it anew.
        """
        found = await self._namespace_id()
        if self._known is None or found == self._known:
            self._known = found
            return False
        logger.warning("engine.store_lost")
        await prepare_namespace(self._client)
        await self._start_all()
        self._known = await self._namespace_id()
        return True

    async def _namespace_id(self) -> str | None:
        """None where there is no such namespace."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                found = await self._client.workflow_service.describe_namespace(request)
        except RPCError as missing:
            if missing.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        return found.namespace_info.id

    async def _start_all(self) -> None:
        """All that live, from the record. Of several workers that are at it, one starts each."""
        turn = asyncio.Semaphore(AT_THE_SAME_TIME)

        async def one(living: Living) -> bool:
            async with turn:
                return await start_again(self._client, living, task_queue=self._settings.task_queue)

        after = None
        while page := await upkeep.living_page(self._database, after=after, limit=PAGE):
            after = page[-1].handoff_id
            await asyncio.gather(*map(one, page))
