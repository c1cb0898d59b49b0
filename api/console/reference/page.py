"""`/docs`: the API's operations, readable, made from its own OpenAPI document and nothing else."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from api.console.shared.rendering import page
from api.console.shared.routing import reader

router = APIRouter(include_in_schema=False)

Schema = dict[str, Any]

_METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of what an operation takes."""

    name: str
    kind: str
    is_required: bool
    said: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, in words."""

    method: str
    path: str
    id: str
    said: str
    parameters: list[dict[str, Any]]
    takes: str | None
    fields: list[Field]
    answers: dict[str, str]


@router.get("/docs")
async def reference(request: Request) -> Response:
    """The page."""
    document = request.app.openapi()
    content = {"about": document["info"], "tags": _by_tag(document)}
    return page(request, "reference/page.html", content, me=await reader(request))


def _by_tag(document: dict[str, Any]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = defaultdict(list)
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = (operation.get("tags") or ["others"])[0]
                found[tag].append(_operation(path, method, operation, schemas))
    return found


def _operation(path: str, method: str, operation: Schema, schemas: Schema) -> Operation:
    takes = _schema(operation.get("requestBody", {}))
    return Operation(
        method=method.upper(),
        path=path,
        id=operation["operationId"],
        said=operation.get("description") or operation.get("summary", ""),
        parameters=[one for one in operation.get("parameters", []) if "name" in one],
        takes=takes,
        fields=_fields(schemas[takes], schemas) if takes else [],
        answers={
            status: answer.get("description") or ""
            for status, answer in operation.get("responses", {}).items()
        },
    )


def _schema(body: Schema) -> str | None:
    """The name of what an operation takes, as the document's own schemas are called."""
    for content in body.get("content", {}).values():
        schema = content.get("schema", {})
        for choice in (schema, *schema.get("anyOf", [])):
            if "$ref" in choice:
                return str(choice["$ref"]).rpartition("/")[2]
    return None


def _fields(schema: Schema, schemas: Schema) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name, _kind(one, schemas), name in required, one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _kind(schema: Schema, schemas: Schema) -> str:
    """What a field may hold, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _kind(schemas[name], schemas) if "enum" in schemas[name] else name
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    if choices:
        return " or ".join(dict.fromkeys(_kind(choice, schemas) for choice in choices))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), schemas)}"
    return str(schema.get("format") or schema.get("type") or "anything")
