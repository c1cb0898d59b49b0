"""The bare wire: `python -m bench.bare_http DATABASE_URL`, a route with a claim's two statements.

What Starlette and asyncpg themselves need for asking who somebody is and for one conditional
update, without anything that Handoff adds.
"""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handoff.leaving import leave_after

WHO = "SELECT id, account_id, role FROM users WHERE id = $1 AND is_active"
CLAIM = (
    "UPDATE handoffs SET status = 'claimed', claimed_by_id = $1, version = version + 1"
    " WHERE id = $2 AND status = 'open' RETURNING version"
)


def app(database_url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=2, max_size=20) as pool:
            app.state.pool = pool
            yield

    async def claim(request: Request) -> Response:
        user, handoff = request.path_params["user"], request.path_params["handoff"]
        async with request.app.state.pool.acquire() as connection:
            who = await connection.fetchrow(WHO, user)
            won = await connection.fetchrow(CLAIM, user, handoff)
        return JSONResponse({"role": who["role"], "won": won is not None})

    routes = [Route("/{user:uuid}/{handoff:uuid}", claim, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{taken.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(app(sys.argv[1]), log_level="warning", access_log=False))
    server.run(sockets=[taken])


if __name__ == "__main__":
    leave_after(main)
