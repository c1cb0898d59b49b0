"""The OpenAPI document, made without any server: for tests that walk through all operations."""

from functools import cache
from typing import Any

from api.app import build
from handoff.settings import load_settings


@cache
def document() -> dict[str, Any]:
    """What `GET /openapi.json` gives."""
    settings = load_settings(
        database_url="postgresql://nobody:nothing@localhost/none",
        redis_url="redis://localhost",
        smtp_url="smtp://localhost?tls=none",
        auth_secret="a secret of the tests, at least 32 bytes long",
    )
    return build(settings).openapi()


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation, by its id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
