"""`/docs`: the API's operations, readable, made from its own OpenAPI document and nothing else."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from api.console.rendering import page

router = APIRouter(include_in_schema=False)

_METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, in words."""

    method: str
    path: str
    id: str
    said: str
    parameters: list[dict[str, Any]]
    takes: str | None
    answers: dict[str, str]


@router.get("/docs")
async def reference(request: Request) -> Response:
    """The page."""
    document = request.app.openapi()
    content = {"about": document["info"], "tags": _by_tag(document)}
    return page(request, "reference.html", content)


def _by_tag(document: dict[str, Any]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = (operation.get("tags") or ["others"])[0]
                found[tag].append(_operation(path, method, operation))
    return found


def _operation(path: str, method: str, operation: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        id=operation["operationId"],
        said=operation.get("description") or operation.get("summary", ""),
        parameters=[one for one in operation.get("parameters", []) if "name" in one],
        takes=_schema(operation.get("requestBody", {})),
        answers={
            status: answer.get("description") or ""
            for status, answer in operation.get("responses", {}).items()
        },
    )


def _schema(body: dict[str, Any]) -> str | None:
    """The name of what an operation takes, as the document's own schemas are called."""
    for content in body.get("content", {}).values():
        schema = content.get("schema", {})
        for choice in (schema, *schema.get("anyOf", [])):
            if "$ref" in choice:
                return str(choice["$ref"]).rpartition("/")[2]
    return None
