"""SCIM on the wire: its media type, its errors, its lists, and who may speak it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from api.endpoints.idempotency import Handler, IdempotentRoute, idempotent
from api.http.problems import problem
from api.http.security_headers import protect
from api.identity.callers import LeadingCaller
from api.scim.expressions import GRAMMAR
from handoff.contract.people import Actor
from handoff.errors import AddressTaken, Forbidden, HandoffError, Invalid, NotFound, ScimInvalid
from handoff.loading import load

MEDIA_TYPE = "application/scim+json"

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

Resource = dict[str, Any]


class ScimResponse(JSONResponse):
    """A resource, or a list of them."""

    media_type = MEDIA_TYPE


class ScimRoute(IdempotentRoute):
    """Says every refusal in SCIM's words, those of the Idempotency-Key included."""

    def get_route_handler(self) -> Handler:
        """The endpoint's own refusals are answers: they are put in words before they are kept."""
        plain = APIRoute.get_route_handler(self)
        return _in_scim(idempotent(_in_scim(plain)))


def _in_scim(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except HandoffError as error:
            return refusal(error)
        except RequestValidationError as fault:
            return refusal(_of_input(fault))

    return handle


def _of_input(fault: RequestValidationError) -> HandoffError:
    first = fault.errors()[0]
    if first["loc"][0] == "path":
        return NotFound("There is no such resource.")
    where = "/".join(str(part)[:100] for part in first["loc"])
    return ScimInvalid(f"{where}: {first['msg']}"[:300], kind="invalidSyntax")


def refusal(error: HandoffError) -> Response:
    """The error as RFC 7644, 3.12 has it. Headers as everywhere."""
    status = 400 if isinstance(error, Invalid) else error.status
    body = {"schemas": [ERROR], "status": str(status), "detail": error.detail}
    if kind := _kind(error):
        body["scimType"] = kind
    response = ScimResponse(body, status)
    for name, value in problem(error).headers.items():
        if name in ("retry-after", "www-authenticate", "ratelimit", "ratelimit-policy"):
            response.headers[name] = value
    # Here too, because the answer to a bug of ours is sent from outside of every middleware.
    protect(response.headers)
    return response


def _kind(error: HandoffError) -> str | None:
    if isinstance(error, AddressTaken):
        return "uniqueness"
    if isinstance(error, ScimInvalid):
        return error.kind
    if not isinstance(error, Invalid):
        return None
    faults = error.facts.get("errors") or [{}]
    unread = faults[0].get("path") == "body"
    return "invalidSyntax" if unread else "invalidValue"


def listed(found: Sequence[Resource], *, total: int, start: int) -> Resource:
    """A page. Positions count from 1."""
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": list(found),
    }


async def _provisioner(caller: LeadingCaller) -> Actor:
    await load(GRAMMAR)
    if caller.token_id is None:
        raise Forbidden("SCIM is spoken with an API token that has the scope scim.")
    return caller


Provisioner = Annotated[Actor, Depends(_provisioner)]
"""An API token with the scope scim, of somebody who is an admin or owner at this moment."""
