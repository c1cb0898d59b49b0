"""What endpoints have in common: documented errors, ids in paths, a handoff as an answer."""

from typing import Annotated, Any

from fastapi import Depends, Header, Response

from api.problems import MEDIA_TYPE
from api.schemas import Problem
from handoff import errors
from handoff.contract import Actor, HandoffView, Record
from handoff.database.records import view
from handoff.errors import HandoffError, Invalid

_EXAMPLES: dict[int, type[HandoffError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.LinkDead,
    412: errors.StaleVersion,
    413: errors.TooLarge,
    422: errors.Invalid,
    429: errors.TooMany,
    500: errors.HandoffError,
    503: errors.Unreachable,
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that an endpoint may answer with, for OpenAPI, each with an example."""
    return {status: _documented(_EXAMPLES[status]) for status in (401, 422, 503, *statuses)}


def conflicts(*kinds: type[HandoffError]) -> dict[int | str, dict[str, Any]]:
    """The documented 409 of an endpoint, an example for each kind."""
    documented = _documented(kinds[0])
    examples = {kind.__name__: {"value": _example(kind)} for kind in kinds}
    documented["content"][MEDIA_TYPE] = {**documented["content"][MEDIA_TYPE], "examples": examples}
    documented["content"][MEDIA_TYPE].pop("example")
    return {409: documented}


def _documented(kind: type[HandoffError]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "model": Problem,
        "description": kind.title,
        "content": {MEDIA_TYPE: {"schema": schema, "example": _example(kind)}},
    }


def _example(kind: type[HandoffError]) -> dict[str, Any]:
    detail = " ".join((kind.__doc__ or kind.title).split())
    return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail}


def shown(response: Response, record: Record, caller: Actor) -> HandoffView:
    """The handoff as the caller may see it, its version as the ETag."""
    response.headers["ETag"] = f'"{record.version}"'
    return view(record, reader_id=caller.id)


def _if_version(if_match: Annotated[str | None, Header()] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdigit() and len(version) < 12):
        raise Invalid('If-Match must be the ETag of a handoff, such as "3".', errors=[])
    return int(version)


IfVersion = Annotated[int | None, Depends(_if_version)]
"""The version that the caller saw, from `If-Match`."""
