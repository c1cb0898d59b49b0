"""What SCIM tells of itself: what is supported, which resources there are, what is kept of them.

A test holds the schemas against what the endpoints do.
"""

from typing import Any

from api.scim.profiles import NAME_PARTS
from api.scim.protocol import GROUP, USER, Resource
from handoff.contract.words import Role

_CORE = "urn:ietf:params:scim:schemas:core:2.0"


def provider_configuration(base: str) -> Resource:
    """`/ServiceProviderConfig`."""
    no = {"supported": False}
    return {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
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
            "schemas": [f"{_CORE}:ResourceType"],
            "id": name,
            "name": name,
            "description": description,
            "endpoint": f"/{name}s",
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, schema, description in (
            ("User", USER, "Somebody of the account"),
            ("Group", GROUP, "A team of the account"),
        )
    ]


def schemas(base: str) -> list[Resource]:
    """`/Schemas`: the attributes that are kept. Others are taken and passed over."""
    return [
        {
            "schemas": [f"{_CORE}:Schema"],
            "id": schema,
            "name": name,
            "description": description,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
        }
        for schema, name, description, attributes in (
            (USER, "User", "Somebody of the account", _of_users()),
            (GROUP, "Group", "A team of the account", _of_groups()),
        )
    ]


def _of_users() -> list[Resource]:
    person = ("display", "type")
    return [
        _attribute(
            "userName",
            "What the provider calls them; their address too, where it is one and none is given",
            required=True,
            uniqueness="server",
        ),
        _attribute("displayName", "The name that is shown, where it is said"),
        _complex(
            "name",
            "The name in its parts; without a displayName it is the one that is shown",
            [_attribute(part, "A part of the name") for part in NAME_PARTS],
        ),
        _attribute(
            "active",
            "Whether they may do anything at all; true where nothing is said",
            type="boolean",
            required=True,
        ),
        _complex(
            "emails",
            "The one address that is kept: the primary one, or the first",
            [
                _attribute("value", "The address", required=True, uniqueness="server"),
                _attribute("primary", "Said back", type="boolean"),
                *(_attribute(name, "Said back") for name in person),
            ],
            multiValued=True,
            required=True,
        ),
        _complex(
            "roles",
            "The one role that everybody has: engineer where nothing is said",
            [
                _attribute(
                    "value", "The role", required=True, canonicalValues=[str(role) for role in Role]
                ),
                _attribute("primary", "Said back", type="boolean"),
                *(_attribute(name, "Said back") for name in person),
            ],
            multiValued=True,
            required=True,
        ),
        _complex(
            "groups",
            "The team that they are in, as the group has it",
            [
                _read_only("value", "The group's id"),
                _read_only("display", "Its name"),
                _read_only("$ref", "Where it is", type="reference", referenceTypes=["Group"]),
            ],
            multiValued=True,
            mutability="readOnly",
        ),
    ]


def _of_groups() -> list[Resource]:
    return [
        _attribute("displayName", "The team's name", required=True, uniqueness="server"),
        _complex(
            "members",
            "Who is in the team. Whoever comes into one leaves the other",
            [
                _attribute("value", "The user's id", mutability="immutable", caseExact=True),
                _attribute(
                    "$ref",
                    "Where the user is",
                    type="reference",
                    referenceTypes=["User"],
                    mutability="immutable",
                    caseExact=True,
                ),
                _attribute("type", "A user", mutability="immutable", canonicalValues=["User"]),
            ],
            multiValued=True,
        ),
    ]


def _attribute(name: str, description: str, **said: Any) -> Resource:
    usual = {
        "type": "string",
        "multiValued": False,
        "description": description,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return {"name": name, **usual, **said}


def _complex(name: str, description: str, parts: list[Resource], **said: Any) -> Resource:
    return _attribute(name, description, type="complex", subAttributes=parts, **said)


def _read_only(name: str, description: str, **said: Any) -> Resource:
    return _attribute(name, description, mutability="readOnly", **said)
