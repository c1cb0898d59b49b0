"""The OpenAPI document: what every operation has in common, said once and of each of them.

What is an operation's own stands at its endpoint.
"""

import json
from typing import Any

from fastapi import FastAPI

from api.endpoints.answers import documented
from api.http.problems import MEDIA_TYPE
from api.identity.scopes import needed
from api.schemas.problem import Problem
from handoff import errors
from handoff.errors import HandoffError

Operation = dict[str, Any]

FOR_CALLERS = (
    errors.Unauthenticated,
    errors.Forbidden,
    errors.TooMany,
    errors.Unreachable,
)
"""Forbidden everywhere: an API token may do what its scopes name, and nothing else."""

FOR_BODIES = (errors.TooSlow, errors.TooLarge, errors.Invalid)
FOR_JSON = (errors.UnsupportedMedia,)
FOR_POSTS = (errors.RequestInFlight, errors.IdempotencyMismatch)

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this request: a repeat with the same key and body gets the same answer, "
    "for 24 hours at least. Another body is 422; one that is still worked on is 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
REPLAYED = {
    "description": "`true` where this is the answer to an earlier request with the same key",
    "schema": {"type": "string", "enum": ["true"]},
}
HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
}


def install(app: FastAPI) -> None:
    """Completes the document that FastAPI makes, when it is first asked for."""
    made = app.openapi
    complete: dict[str, Any] = {}

    def describe() -> dict[str, Any]:
        if not complete:
            complete.update(_completed(made()))
        return complete

    app.openapi = describe  # type: ignore[method-assign]


def _completed(made: dict[str, Any]) -> dict[str, Any]:
    # Endpoints share parts of their descriptions; what is added to one must not reach another.
    document: dict[str, Any] = json.loads(json.dumps(made))
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method.upper(), operation)
    return document


def _complete(method: str, operation: Operation) -> None:
    # SCIM says these in its own words, at its endpoints.
    in_problems = "scim" not in operation.get("tags", ())
    known = bool(operation.get("security"))
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]  # FastAPI's own; nobody here answers like that.
    if known and in_problems:
        _add(operation, *FOR_CALLERS)
    if known and (scope := needed(operation["operationId"])):
        operation["x-api-token-scope"] = scope.value
    if method != "GET":
        _add(operation, *FOR_BODIES)
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        _add(operation, *FOR_JSON)
    if method == "POST" and known:
        _repeatable(operation, in_problems=in_problems)
    for parameter in operation.get("parameters", ()):
        _without_null(parameter["schema"])
    for status, headers in HEADERS.items():
        if str(status) in operation["responses"]:
            operation["responses"][str(status)].setdefault("headers", {}).update(headers)


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter that is not sent is none: in a path, a query or a header nothing is null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])


def _repeatable(operation: Operation, *, in_problems: bool) -> None:
    if in_problems:
        _add(operation, *FOR_POSTS)
    operation.setdefault("parameters", []).append(KEY)
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response.setdefault("headers", {})["Idempotency-Replayed"] = REPLAYED


def _add(operation: Operation, *kinds: type[HandoffError]) -> None:
    for kind in kinds:
        known = operation["responses"].setdefault(str(kind.status), documented(kind))
        more = documented(kind)["content"][MEDIA_TYPE]["examples"]
        for content in known.get("content", {}).values():
            content.setdefault("examples", {}).update(more)
