"""Files of a session: added whole, listed, fetched in full or in part, taken away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row
from starlette.requests import ClientDisconnect

from api.endpoints.answers import conflicts, documented, problems, whole
from api.endpoints.idempotency import Handler, IdempotentRoute, keep_within, resource_id
from api.http import ranges
from api.http.problems import problem
from api.http.uploads import DISPOSITION, DRAINED_BYTES, STRANGERS_BYTES, Upload, drain
from api.identity.callers import Caller, Parts, bearer_token, identify, services
from api.schemas.files import FileView
from api.services import Services
from handoff.contract.people import Actor, Person
from handoff.database import files, people
from handoff.database.contents import Content
from handoff.database.files import CHUNK_BYTES, NewFile
from handoff.errors import (
    Busy,
    FilesUnreachable,
    HandoffError,
    OutcomeUnknown,
    RangeNotSatisfiable,
    TooManyFiles,
    Unauthenticated,
    Unreachable,
)
from handoff.rules.files import FILE_BYTES, must_add, must_remove


class FileRoute(IdempotentRoute):
    """Takes a file in before anything else is done with the request; only from who may add it."""

    def get_route_handler(self) -> Handler:
        """Wraps the endpoint."""
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method != "POST":
                return await endpoint(request)
            parts = services(request)
            within = parts.settings.body_within
            try:
                async with _taken_in(parts, request, within):
                    return await endpoint(request)
            except ClientDisconnect:
                # Half a file is none, and nobody is left to be answered.
                return Response(status_code=400)
            except HandoffError as refusal:
                known = not isinstance(refusal, Unauthenticated)
                await drain(request, DRAINED_BYTES if known else STRANGERS_BYTES, within=within)
                raise

        return handle


@asynccontextmanager
async def _taken_in(parts: Services, request: Request, within: timedelta) -> AsyncIterator[None]:
    """The file, put down for the endpoint."""
    caller = await identify(request, parts, bearer_token(request))
    try:
        session_id = UUID(request.path_params["session_id"])
    except ValueError:
        yield  # The endpoint says so.
        return
    await _must_be_let_in(parts, caller, session_id)
    async with parts.uploads.receive(request, caller.id, within=within) as upload:
        request.state.upload = upload
        request.state.put_down = upload.digest + upload.name.encode()
        yield


async def _must_be_let_in(parts: Services, caller: Actor, session_id: UUID) -> None:
    """Refuses before the file has been sent what would be refused after it."""
    async with parts.database.account(caller.account_id) as tenant:
        must_add(await files.must_find_session(tenant, session_id), caller)
        await files.must_have_room(tenant, session_id)


router = APIRouter(prefix="/ai-sessions/{session_id}/files", tags=["files"], route_class=FileRoute)

NAME = {
    "name": DISPOSITION,
    "in": "header",
    "required": True,
    "description": "Its name, by RFC 6266: `attachment; filename*=UTF-8''trace%20of%20today.log`",
    "schema": {"type": "string", "maxLength": 4096},
    "example": "attachment; filename*=UTF-8''trace.log",
}
CONTENT = {
    "required": True,
    "content": {
        "application/octet-stream": {
            "schema": {
                "type": "string",
                "format": "binary",
                "minLength": 1,
                "maxLength": FILE_BYTES,
            }
        }
    },
}


NOT_NOW: dict[int | str, dict[str, Any]] = {
    503: documented(Unreachable, OutcomeUnknown, Busy, FilesUnreachable)
}


def _view(row: Row[Any]) -> FileView:
    by = Person(row.added_by_id, row.added_by_name)
    return FileView(row.id, row.name, row.size, row.media_type, row.created_at, by)


@router.post(
    "",
    status_code=201,
    operation_id="addSessionFile",
    response_model=FileView,
    responses={**problems(403, 404, 413, 429), **conflicts(TooManyFiles), **NOT_NOW},
    openapi_extra={"requestBody": CONTENT, "parameters": [NAME]},
)
async def add_file(session_id: UUID, request: Request, caller: Caller, parts: Parts) -> Response:
    """Adds a file: the raw body, 10 MiB at most. What it is, is decided by its bytes."""
    upload: Upload = request.state.upload
    chunks = upload.chunks(CHUNK_BYTES)
    kept_at = await parts.contents.put(caller.account_id, chunks)
    new = NewFile(
        id=resource_id(request),
        session_id=session_id,
        added_by_id=caller.id,
        name=upload.name,
        size=upload.size,
        media_type=upload.media_type,
        digest=upload.digest,
        kept_at=kept_at,
    )
    async with parts.uploads.saving, parts.database.account(caller.account_id) as tenant:
        actor = await people.act_as(tenant, caller)
        must_add(await files.must_find_session(tenant, session_id), actor)
        row = await files.find(tenant, session_id, new.id)
        # There already, where an earlier try was not answered.
        row = row or await files.add(tenant, new, chunks)
        location = {"Location": f"/ai-sessions/{session_id}/files/{new.id}"}
        answer = whole(_view(row), status=201, headers=location)
        await keep_within(request, tenant, answer)
    return answer


@router.get("", operation_id="listSessionFiles", responses=problems(404))
async def list_files(session_id: UUID, caller: Caller, parts: Parts) -> list[FileView]:
    """All of the session's files, the oldest first."""
    async with parts.database.account(caller.account_id) as tenant:
        await files.must_find_session(tenant, session_id)
        return [_view(row) for row in await files.of_session(tenant, session_id)]


@router.get(
    "/{file_id}",
    operation_id="getSessionFile",
    response_class=Response,
    responses={
        200: {
            "description": "The file, always as an attachment",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        206: {"description": "The part that `Range` asks for"},
        304: {"description": "`If-None-Match` names it"},
        **problems(404, 416),
        **NOT_NOW,
    },
)
async def get_file(
    session_id: UUID, file_id: UUID, request: Request, caller: Caller, parts: Parts
) -> Response:
    """Its content. One `Range` is served; the `ETag` is its SHA-256."""
    async with parts.database.account(caller.account_id) as tenant:
        row = await files.must_find(tenant, session_id, file_id)
    etag = f'"{row.digest.hex()}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Type": row.media_type,
        DISPOSITION: f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if ranges.is_known(request.headers, etag):
        return Response(status_code=304, headers={"ETag": etag})
    try:
        part = ranges.asked_for(request.headers, row.size, etag)
    except RangeNotSatisfiable as refusal:
        return problem(refusal, **{"Content-Range": f"bytes */{row.size}"})
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{row.size}"
    wanted = part or range(row.size)
    headers["Content-Length"] = str(len(wanted))
    content = Content(caller.account_id, file_id, row.kept_at)
    # No connection waits for who reads slowly; what is taken away meanwhile ends there.
    opened = await parts.contents.open(content, wanted)
    return StreamingResponse(opened, 206 if part else 200, headers)


@router.delete(
    "/{file_id}",
    status_code=204,
    operation_id="removeSessionFile",
    responses=problems(403, 404),
)
async def remove_file(session_id: UUID, file_id: UUID, caller: Caller, parts: Parts) -> None:
    """Takes it away, for good: who added it, an admin or an owner."""
    async with parts.database.account(caller.account_id) as tenant:
        actor = await people.act_as(tenant, caller)
        row = await files.must_find(tenant, session_id, file_id)
        must_remove(row.added_by_id, actor)
        await files.remove(tenant, file_id)
    parts.forget(Content(caller.account_id, file_id, row.kept_at))
