"""SCIM in the OpenAPI document."""

from typing import Any

from api.scim.protocol import ERROR, GROUP, MEDIA_TYPE, USER, Resource

USER_EXAMPLE: Resource = {
    "schemas": [USER],
    "userName": "bo@acme.test",
    "name": {"formatted": "Bo"},
    "active": True,
    "roles": [{"value": "engineer"}],
    "externalId": "00u1abcd",
}
GROUP_EXAMPLE: Resource = {
    "schemas": [GROUP],
    "displayName": "Network",
    "members": [{"value": "0198c000-0000-7000-8000-0000000001a1"}],
}

SEARCH_EXAMPLE: Resource = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
    "filter": 'userName eq "bo@acme.test"',
    "attributes": ["userName", "active"],
    "startIndex": 1,
    "count": 100,
}

_TITLES = {
    400: ("A request that cannot be taken", "invalidValue"),
    401: ("No API token that we know", None),
    403: ("The token's scopes or its user's role do not allow it", None),
    404: ("There is no such resource", None),
    409: ("Another resource has this name, or it is the last owner", "uniqueness"),
    429: ("Too many requests", None),
    503: ("A dependency does not answer", None),
}


def _error(status: int) -> dict[str, Any]:
    title, kind = _TITLES[status]
    example = {"schemas": [ERROR], "status": str(status), "detail": title}
    if kind is not None:
        example["scimType"] = kind
    schema = {
        "type": "object",
        "required": ["schemas", "status"],
        "properties": {
            "schemas": {"type": "array", "items": {"const": ERROR}},
            "status": {"type": "string", "const": str(status)},
            "scimType": {"type": "string"},
            "detail": {"type": "string"},
        },
    }
    examples = {"Error": {"value": example}}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}


SCIM_ERRORS: dict[int | str, dict[str, Any]] = {status: _error(status) for status in _TITLES}
