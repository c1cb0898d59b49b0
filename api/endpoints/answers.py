"""What endpoints have in common: documented errors, ids in paths, a handoff as an answer."""

from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from pydantic import TypeAdapter

from api.http.problems import MEDIA_TYPE
from handoff import errors
from handoff.contract.people import Actor
from handoff.contract.record import HandoffView, Record
from handoff.database.records import view
from handoff.errors import HandoffError

_OF_STATUS: dict[int, type[HandoffError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.TooSlow,
    409: errors.Conflict,
    410: errors.LinkDead,
    412: errors.StaleVersion,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    416: errors.RangeNotSatisfiable,
    422: errors.Invalid,
    429: errors.TooMany,
    431: errors.HeadersTooLarge,
    500: errors.HandoffError,
    503: errors.Unreachable,
}

_ALSO: dict[int, tuple[type[HandoffError], ...]] = {503: (errors.OutcomeUnknown, errors.Busy)}
"""Other kinds that bear the same status, wherever it may come."""

_EVERYWHERE = (401, 422, 431, 500, 503)

_SOMEBODY = {"id": "0198c000-0000-7000-8000-0000000001a2", "name": "Amir"}
_FACTS: dict[type[HandoffError], dict[str, Any]] = {
    errors.AlreadyClaimed: {"claimed_by": _SOMEBODY, "claimed_at": "2026-01-31T09:30:00Z"},
    errors.HandoffClosed: {"handoff_status": "resolved"},
    errors.HandoffAlreadyOpen: {"handoff_id": "0198c000-0000-7000-8000-000000000001"},
    errors.RoundPassed: {"round": 2},
    errors.WrongState: {"handoff_status": "open"},
    errors.StaleVersion: {"version": 4},
    errors.TooMany: {"retry_after": 12},
    errors.TooManyFiles: {"limit": 50},
    errors.RangeNotSatisfiable: {"size": 1024},
    errors.TooManyStreams: {"retry_after": 5, "limit": {"name": "streams", "amount": 50}},
    errors.Invalid: {
        "errors": [{"path": "body/title", "message": "Field required", "type": "missing"}]
    },
}
"""What clients find beside the words, for the examples."""


def problems(
    *statuses: int, also: tuple[type[HandoffError], ...] = ()
) -> dict[int | str, dict[str, Any]]:
    """The errors that an endpoint may answer with, for OpenAPI, each with an example.

    `also`: those of its own, beside the usual one of their status.
    """
    kinds = {status: [_OF_STATUS[status]] for status in (*_EVERYWHERE, *statuses)}
    for status, others in _ALSO.items():
        kinds[status] += others
    for kind in also:
        kinds[kind.status].append(kind)
    return {status: documented(*those) for status, those in kinds.items()}


def conflicts(*kinds: type[HandoffError]) -> dict[int | str, dict[str, Any]]:
    """The documented 409 of an endpoint, an example for each kind."""
    return {409: documented(*kinds)}


def documented(*kinds: type[HandoffError]) -> dict[str, Any]:
    """One status with an example for each of its kinds."""
    examples = {kind.__name__: {"value": _example(kind)} for kind in kinds}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": kinds[0].title,
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _example(kind: type[HandoffError]) -> dict[str, Any]:
    detail = " ".join((kind.__doc__ or kind.title).split())
    facts = _FACTS.get(kind, {})
    return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail} | facts


def shown(response: Response, record: Record, caller: Actor) -> HandoffView:
    """The handoff as the caller may see it, its version as the ETag."""
    response.headers["ETag"] = f'"{record.version}"'
    return view(record, reader_id=caller.reader_id)


def answered(record: Record, caller: Actor) -> Response:
    """The same as an answer that is whole: what is kept for repeats is what was sent."""
    shown = view(record, reader_id=caller.reader_id)
    return whole(shown, headers={"ETag": f'"{record.version}"'})


def whole(said: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A model as an answer that can be kept in the transaction of what it tells."""
    body = _written(type(said)).dump_json(said, by_alias=True)  # type: ignore[arg-type] # hashable
    return Response(body, status, headers, media_type="application/json")


@cache
def _written(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


async def _if_version(if_match: Annotated[str | None, Header()] = None) -> frozenset[int] | None:
    if if_match is None or if_match.strip() == "*":
        return None
    # Proxies that compress weaken an ETag, but what it says of the handoff stays true.
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]
    return frozenset(int(tag) for tag in tags if tag.isascii() and tag.isdigit() and len(tag) < 12)


IfVersion = Annotated[frozenset[int] | None, Depends(_if_version)]
"""The versions that the caller would act on, from `If-Match`; what is none of ours matches none."""
