"""What each scope of an API token lets its program do, by operation id.

What is not named here is refused to every token, so a new endpoint is closed to them until
somebody opens it.
"""

from handoff.contract.words import TokenScope

OPERATIONS: dict[TokenScope, frozenset[str]] = {
    TokenScope.SESSIONS_READ: frozenset(
        {"listSessions", "getSession", "listSessionFiles", "getSessionFile"}
    ),
    TokenScope.SESSIONS_WRITE: frozenset({"createSession"}),
    TokenScope.HANDOFFS_CREATE: frozenset({"createHandoff"}),
    TokenScope.HANDOFFS_READ: frozenset(
        {
            "getQueue",
            "searchHandoffs",
            "listHandoffs",
            "getHandoff",
            "listHandoffEvents",
            "listHandoffDeliveries",
        }
    ),
    TokenScope.HANDOFFS_NOTE: frozenset({"writeHandoffNote", "addSessionFile"}),
    # The second is the WebSocket, which OpenAPI knows nothing of.
    TokenScope.EVENTS_READ: frozenset({"streamEvents", "socket_events"}),
    TokenScope.SCIM: frozenset(
        {
            "scimGetConfiguration",
            *(f"scim{act}" for act in ("ListResourceTypes", "GetResourceType")),
            *(f"scim{act}" for act in ("ListSchemas", "GetSchema")),
            *(f"scimSearch{kind}" for kind in ("", "Users", "Groups")),
            *(f"scim{act}User" for act in ("Create", "Get", "Replace", "Patch", "Delete")),
            *(f"scim{act}Group" for act in ("Create", "Get", "Replace", "Patch", "Delete")),
            "scimListUsers",
            "scimListGroups",
        }
    ),
}


def needed(operation: str) -> TokenScope | None:
    """The scope that opens this operation to a program, if any does."""
    return next((scope for scope, opened in OPERATIONS.items() if operation in opened), None)
