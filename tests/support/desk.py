"""The harness: a whole desk on real parts, driven in the words of the story.

One desk has a database of its own, an API on a real port, a worker, and a mail server. When it is
closed, mail that no test has asked for fails the test.
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute
from temporalio.client import Client

from api.app import build
from api.server import Server, make_server
from api.services import Services
from handoff.database.directory.importing import bring_in
from handoff.database.gate import Database
from handoff.settings import Settings, load_settings
from handoff.temporal import queues
from handoff.temporal.key_ring import KeyRing
from handoff.tokens import mint
from tests.support.cast import BO, Member, directory
from tests.support.listener import Listener
from tests.support.postbox import Mail, Postbox
from worker.build import Parts, all_workers
from worker.nudges import repeat_nudges

SECRET = "a secret of the tests, at least 32 bytes long"
PAYLOAD_KEYS = "tests:a-payload-key-of-the-tests-32-bytes-long"
"""The recorded histories are encrypted with it: it never changes."""

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak to loopback alone: to read the world's certificates takes a while."""

KEYRING = KeyRing.parse(PAYLOAD_KEYS)


@dataclass(frozen=True, slots=True)
class Handoff:
    """One handoff, as its maker knows it."""

    id: UUID
    session_id: UUID
    by: Member

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"/ai-sessions/{self.session_id}/handoffs/{self.id}"


class _Server(Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the test runner's signals alone."""
        yield


_KNOWN_ROUTES: list[BaseRoute] = []


def _with_known_routes(app: FastAPI) -> FastAPI:
    """Every application has the same ones. To work them out anew takes longer than most tests."""
    if not _KNOWN_ROUTES:
        _KNOWN_ROUTES.extend(app.router.routes)
    app.router.routes = _KNOWN_ROUTES
    return app


class Desk:
    """People at work. Verbs act over HTTP; `expect_*` wait for what must come."""

    def __init__(self, settings: Settings, temporal: Client, postbox: Postbox) -> None:
        self.settings = settings
        self.temporal = temporal
        self.postbox = postbox
        self.database = Database.connect(settings, pool_size=3)
        self.base_url = ""
        self.services: Services | None = None
        self.mail_matters = True
        self._clients: dict[UUID, httpx.AsyncClient] = {}
        self._worker: AsyncExitStack | None = None
        self._server: tuple[_Server, asyncio.Task[None]] | None = None

    # People.

    def token(self, who: Member, **claims: Any) -> str:
        """A bearer token for one of the cast."""
        lifetime = claims.pop("lifetime", timedelta(hours=1))
        return mint(who.id, secret=SECRET, lifetime=lifetime, now=datetime.now(UTC), **claims)

    def http(self, who: Member | None = None) -> httpx.AsyncClient:
        """An HTTP client that acts as `who`; as a stranger without."""
        key = who.id if who else UUID(int=0)
        if key not in self._clients:
            headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
            self._clients[key] = httpx.AsyncClient(
                base_url=self.base_url,
                headers=headers,
                timeout=20,
                trust_env=False,
                verify=PLAIN,
            )
        return self._clients[key]

    def operator(self) -> httpx.AsyncClient:
        """The same for whoever runs it all, at their own address."""
        assert self.services is not None
        key = UUID(int=1)
        known = self._clients.get(key)
        if known is None or str(known.base_url).rstrip("/") != self.services.operator_url:
            known = httpx.AsyncClient(
                base_url=self.services.operator_url, timeout=20, trust_env=False, verify=PLAIN
            )
            self._clients[key] = known
        return known

    async def start_session(self, by: Member = BO, **body: Any) -> UUID:
        """A session that `by` holds."""
        answer = await self.http(by).post("/ai-sessions", json={"title": "VPN drops"} | body)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def hand_off(self, session_id: UUID, by: Member = BO, **body: Any) -> httpx.Response:
        """The bare call, with whatever answer."""
        return await self.http(by).post(
            f"/ai-sessions/{session_id}/handoff", json={"intent": "escalate"} | body
        )

    async def escalate(self, by: Member = BO, *, title: str = "VPN drops", **body: Any) -> Handoff:
        """A new session, escalated and recorded."""
        session_id = await self.start_session(by, title=title)
        answer = await self.hand_off(session_id, by, **body)
        assert answer.status_code == 201, answer.text
        return Handoff(UUID(answer.json()["id"]), session_id, by)

    async def park(self, by: Member = BO, **body: Any) -> Handoff:
        """A new session, parked."""
        return await self.escalate(by, intent="park", **body)

    async def command(
        self, who: Member, handoff: Handoff, name: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        """Any command, with whatever answer."""
        path = f"{handoff.path}/{name}"
        return await self.http(who).post(path, json=body, headers=headers)

    async def claim(self, who: Member, handoff: Handoff) -> httpx.Response:
        """Whoever asks first gets it."""
        return await self.command(who, handoff, "claim")

    async def see(self, handoff: Handoff, who: Member | None = None) -> dict[str, Any]:
        """The handoff as it is now."""
        answer = await self.http(who or handoff.by).get(handoff.path)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def queue(self, who: Member, **query: Any) -> list[dict[str, Any]]:
        """The queue as `who` sees it."""
        answer = await self.http(who).get("/ai-sessions/queue", params=query)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    async def history(self, handoff: Handoff) -> list[str]:
        """The short types of its events."""
        events = (await self.http(handoff.by).get(f"{handoff.path}/events")).json()
        return [event["type"].removeprefix("handoff.") for event in events]

    async def deliveries(self, handoff: Handoff, who: Member | None = None) -> list[dict[str, Any]]:
        """Its ledger."""
        rows: list[dict[str, Any]] = (
            await self.http(who or handoff.by).get(f"{handoff.path}/deliveries")
        ).json()
        return rows

    def listen(self, who: Member, last_event_id: str | None = None) -> Listener:
        """A live stream; use it as a context manager."""
        return Listener(self.http(who), last_event_id)

    # What must come.

    async def expect_mail(
        self,
        to: Member,
        about: Handoff | None = None,
        *,
        subject: str = "",
        says: str = "",
        round: int | None = None,
    ) -> Mail:
        """The next mail to `to` that fits; it counts as asked for.

        `says`: what is new in it, as its first line has it. All mails of a handoff have one
        subject.
        """

        def fits(mail: Mail) -> bool:
            headers = mail.message
            return (
                to.email in mail.recipients
                and subject in mail.subject
                and says in mail.news
                and (about is None or headers["X-Handoff-Id"] == str(about.id))
                and (round is None or headers["X-Handoff-Round"] == str(round))
            )

        return await self.postbox.wait_for(fits, within=15)

    async def expect_mails(self, to: tuple[Member, ...], about: Handoff, **fits: Any) -> list[Mail]:
        """One mail for each."""
        return [await self.expect_mail(member, about, **fits) for member in to]

    async def until(
        self, holds: Callable[[], Any], *, within: float = 15.0, every: float = 0.03
    ) -> Any:
        """Waits until `holds` (an async function) answers with something true, and returns it."""
        async with asyncio.timeout(within):
            while not (found := await holds()):  # noqa: ASYNC110 - it asks over HTTP
                await asyncio.sleep(every)
            return found

    async def until_handoff(
        self, handoff: Handoff, *, within: float = 15.0, **expected: Any
    ) -> dict[str, Any]:
        """Waits until the handoff shows these values."""
        seen: dict[str, Any] = {}

        async def holds() -> bool:
            seen.update(await self.see(handoff))
            return all(seen[name] == value for name, value in expected.items())

        try:
            await self.until(holds, within=within)
        except TimeoutError:
            shown = {name: seen.get(name) for name in expected}
            raise AssertionError(f"expected {expected}, it stayed {shown}") from None
        return seen

    async def until_told(self, handoff: Handoff) -> None:
        """Waits until nothing of it is on its way any more."""

        async def settled() -> bool:
            rows = await self.deliveries(handoff)
            return all(row["state"] not in ("queued", "sending", "retrying") for row in rows)

        await self.until(settled)

    def workflow(self, handoff: Handoff) -> Any:
        """Its workflow's handle."""
        return self.temporal.get_workflow_handle(queues.workflow_id(handoff.id))

    # The parts.

    async def start_worker(self, *, cached_workflows: int = 500) -> None:
        """All workers and the nudges, in this process."""
        stack = AsyncExitStack()
        parts = Parts.connect(self.settings)
        stack.push_async_callback(parts.close)
        for worker in all_workers(self.temporal, parts, cached_workflows=cached_workflows):
            await stack.enter_async_context(worker)
        nudges = asyncio.create_task(
            repeat_nudges(
                self.temporal,
                parts.database,
                after=self.settings.nudge_after,
                task_queue=self.settings.task_queue,
            )
        )
        stack.callback(nudges.cancel)
        self._worker = stack
        if self.services is not None:
            self.services.own_worker.start()

    async def stop_worker(self) -> None:
        """An orderly stop of all of them, the API's own one included."""
        if self.services is not None:
            await self.services.own_worker.stop()
        await self._stop_workers()

    async def _stop_workers(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.aclose()

    async def start_api(self, *, temporal: Client | None = None, port: int = 0) -> None:
        """A real server on a real port."""
        app = _with_known_routes(build(self.settings))
        made = make_server(app, host="127.0.0.1", port=port)
        server = _Server(made.config)
        serving = asyncio.create_task(server.serve())
        async with asyncio.timeout(15):
            while not server.started:
                assert not serving.done(), "the API did not start"
                await asyncio.sleep(0.01)
        bound = server.servers[0].sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{bound}"
        self.services = app.state.services
        if temporal is not None:
            self.services.temporal = temporal
        self._server = (server, serving)
        if self.settings.workflow_slots:
            own_worker = self.services.own_worker
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    while own_worker.client is None:  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(0.01)

    @property
    def connections(self) -> int:
        """How many are open to the API."""
        return len(self._server[0].server_state.connections) if self._server else 0

    async def stop_api(self) -> None:
        """As SIGTERM would."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        if self._server is not None:
            server, serving = self._server
            self._server = None
            server.handle_exit(15, None)
            await serving

    async def close(self) -> None:
        """Stops everything."""
        await self.stop_api()
        await self._stop_workers()
        await self.database.close()


async def bring_everybody_in(database_url: str) -> None:
    """The cast, into a database that has its schema."""
    settings = load_settings(
        database_url=database_url,
        redis_url="redis://localhost",
        smtp_url="smtp://localhost?tls=none",
        auth_secret=SECRET,
    )
    database = Database.connect(settings, pool_size=1)
    try:
        await bring_in(database, directory())
    finally:
        await database.close()


def _is_known(temporal: Client) -> bool:
    """Whether it is the engine that the environment names, which the API's own worker works for."""
    return temporal.service_client.config.target_host == os.environ["TEMPORAL_ADDRESS"]


@asynccontextmanager
async def open_desk(
    *,
    database_url: str,
    redis_url: str,
    temporal: Client,
    api_temporal: Client | None = None,
    worker: bool = True,
    **overrides: Any,
) -> AsyncIterator[Desk]:
    """A desk in a clone of the tests' database, with its people; `overrides` are settings."""
    async with Postbox() as postbox:
        values: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": redis_url,
            "smtp_url": postbox.url,
            "smtp_from": "Handoff <handoff@desk.test>",
            "auth_secret": SECRET,
            "payload_keys": PAYLOAD_KEYS,
            "task_queue": f"desk-{uuid4().hex[:12]}",
            "nudge_after": "300ms",
            "workflow_slots": 20 if worker and not api_temporal and _is_known(temporal) else 0,
            "smtp_retry_initial": "100ms",
            "smtp_retry_lost": "100ms",
            "smtp_timeout": "5s",
            "operator_listen": "127.0.0.1:0",
            # Nobody listens there: no test speaks to the real one.
            "slack_api_url": "http://127.0.0.1:9/api",
            # Desks share a Redis and their people's ids, and so their allowances.
            "rate_trials_per_user": 0,
            "rate_calls_per_user": 0,
            "rate_failures_per_address": 0,
        }
        settings = load_settings(**(values | overrides))
        desk = Desk(settings, temporal, postbox)
        try:
            if worker:
                await desk.start_worker()
            await desk.start_api(temporal=api_temporal or temporal)
            yield desk
        finally:
            await desk.close()
        if desk.mail_matters:
            postbox.expect_no_more()
