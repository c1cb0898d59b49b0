"""What SCIM clients ask first: what is supported, which resources there are, and their schemas."""

from typing import Any

from fastapi import APIRouter

from api.identity.callers import Parts
from api.scim.documented import SCIM_ERRORS, provider_configuration, resource_types, schemas
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.user_routes import base_of

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


@router.get("/Schemas", operation_id="scimListSchemas")
async def list_schemas(caller: Provisioner, parts: Parts) -> Any:
    """The attributes that are kept."""
    return _all(schemas(base_of(parts)))


def _all(found: list[Resource]) -> ScimResponse:
    return ScimResponse(listed(found, total=len(found), start=1))
