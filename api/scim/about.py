"""What SCIM clients ask first: what is supported, which resources there are, and their schemas."""

from typing import Any

from fastapi import APIRouter

from api.identity.callers import Parts
from api.scim.described import provider_configuration, resource_types, schemas
from api.scim.documented import SCIM_ERRORS
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.user_routes import base_of
from handoff.errors import NotFound

router = APIRouter(
    prefix="/scim/v2",
    tags=["scim"],
    route_class=ScimRoute,
    default_response_class=ScimResponse,
    responses=SCIM_ERRORS,
)


@router.get("/ServiceProviderConfig", operation_id="scimGetConfiguration")
async def get_configuration(caller: Provisioner, parts: Parts) -> Any:
    """What is supported."""
    return ScimResponse(provider_configuration(base_of(parts)))


@router.get("/ResourceTypes", operation_id="scimListResourceTypes")
async def list_resource_types(caller: Provisioner, parts: Parts) -> Any:
    """Users and Groups."""
    return _all(resource_types(base_of(parts)))


@router.get("/ResourceTypes/{name}", operation_id="scimGetResourceType")
async def get_resource_type(name: str, caller: Provisioner, parts: Parts) -> Any:
    """One of them."""
    return _one(resource_types(base_of(parts)), name)


@router.get("/Schemas", operation_id="scimListSchemas")
async def list_schemas(caller: Provisioner, parts: Parts) -> Any:
    """The attributes that are kept."""
    return _all(schemas(base_of(parts)))


@router.get("/Schemas/{urn}", operation_id="scimGetSchema")
async def get_schema(urn: str, caller: Provisioner, parts: Parts) -> Any:
    """One of them, by its URN."""
    return _one(schemas(base_of(parts)), urn)


def _all(found: list[Resource]) -> ScimResponse:
    return ScimResponse(listed(found, total=len(found), start=1))


def _one(found: list[Resource], name: str) -> ScimResponse:
    for resource in found:
        if resource["id"].lower() == name.lower():
            return ScimResponse(resource)
    raise NotFound("There is no such resource.")
