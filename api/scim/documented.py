"""SCIM in the OpenAPI document, and in its own words: what is supported, and by which schemas."""

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


def provider_configuration(base: str) -> Resource:
    """`/ServiceProviderConfig`."""
    no = {"supported": False}
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": no | {"maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": 200},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API token",
                "description": "Authorization: Bearer hnd_…, a token with the scope scim",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(base: str) -> list[Resource]:
    """`/ResourceTypes`."""
    return [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, schema in (("User", USER), ("Group", GROUP))
    ]


def schemas(base: str) -> list[Resource]:
    """`/Schemas`: the attributes that are kept. Others are taken and passed over."""
    user = [
        _attribute("userName", required=True, uniqueness="server"),
        _attribute("displayName"),
        _attribute("name", type="complex", subAttributes=[_attribute("formatted")]),
        _attribute("active", type="boolean"),
        _attribute("externalId", caseExact=True),
        _attribute("roles", type="complex", multiValued=True, subAttributes=[_attribute("value")]),
        _attribute("emails", type="complex", multiValued=True, mutability="readOnly"),
        _attribute("groups", type="complex", multiValued=True, mutability="readOnly"),
    ]
    group = [
        _attribute("displayName", required=True, uniqueness="server"),
        _attribute("externalId", caseExact=True),
        _attribute(
            "members", type="complex", multiValued=True, subAttributes=[_attribute("value")]
        ),
    ]
    return [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": schema,
            "name": name,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
        }
        for schema, name, attributes in ((USER, "User", user), (GROUP, "Group", group))
    ]


def _attribute(name: str, **said: Any) -> Resource:
    usual = {
        "type": "string",
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return {"name": name, **usual, **said}
