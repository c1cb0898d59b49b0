"""Users as SCIM has them, and what a SCIM user asks of one of ours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from api.schemas.directory import UserBody
from api.scim.protocol import USER, Resource
from api.scim.reading import PatchStep, first, lowered, text, truth
from handoff.contract.words import Role
from handoff.database.directory.scim import ScimUser
from handoff.database.directory.users import DirectoryUser, WantedUser
from handoff.errors import ScimInvalid
from handoff.rules.roles import lower

EXTERNAL_ID = 255


@dataclass(frozen=True, slots=True)
class UserDraft:
    """A user in the making. `given` and `family` are parts of a name that comes in pieces; `role`
    is None while nothing was said of the role of somebody new."""

    email: str = ""
    name: str = ""
    active: bool = True
    role: Role | None = None
    team_id: UUID | None = None
    external_id: str | None = None
    given: str | None = None
    family: str | None = None

    @classmethod
    def of(cls, user: DirectoryUser) -> "UserDraft":
        """The user as they are."""
        return cls(user.email, user.name, user.is_active, user.role, user.team_id, user.external_id)

    @property
    def full_name(self) -> str:
        """The name in one; for want of any, what stands before the address's @."""
        if self.given is None and self.family is None:
            return self.name or self.email.partition("@")[0]
        known_given, _, known_family = self.name.partition(" ")
        given = known_given if self.given is None else self.given
        family = known_family if self.family is None else self.family
        return f"{given} {family}".strip()

    def wanted(self) -> WantedUser:
        """What the directory is asked for.

        Raises:
            ScimInvalid: no user can be like that.
        """
        try:
            wanted = UserBody(
                email=self.email,
                name=self.full_name,
                role=self.role or Role.ENGINEER,
                team_id=self.team_id,
                is_active=self.active,
            ).to_wanted()
            return replace(wanted, external_id=self.external_id)
        except ValidationError as fault:
            error = fault.errors()[0]
            name = {"email": "userName"}.get(str(error["loc"][0]), str(error["loc"][0]))
            raise ScimInvalid(f"{name}: {error['msg']}", kind="invalidValue") from None

    def filled(self, body: Resource) -> "UserDraft":
        """The draft with everything that the resource says; what it does not say stays."""
        given = lowered(body)
        if not isinstance(given.get("username"), str):
            raise ScimInvalid("userName is needed.", kind="invalidValue")
        draft = self
        # Where both stand, the display name is the one that people chose.
        for name in sorted(given, key=lambda name: name == "displayname"):
            draft = _set(draft, name, given[name])
        return draft

    def patched(self, steps: Iterable[PatchStep]) -> "UserDraft":
        """The draft after the steps of a PATCH. Attributes that we do not keep are passed over."""
        draft = self
        for step in steps:
            removed = step.kind == "remove"
            draft = _cleared(draft, step) if removed else _set(draft, step.path, step.value)
        return draft


def _set(draft: UserDraft, name: str, value: Any) -> UserDraft:
    match name:
        case "username":
            return replace(draft, email=text(value, "userName").strip())
        case "active":
            return replace(draft, active=truth(value))
        case "externalid":
            return replace(draft, external_id=_external_id(value))
        case "displayname" | "name.formatted" if value:
            return replace(draft, name=text(value, name), given=None, family=None)
        case "name.givenname" if value:
            return replace(draft, given=text(value, name))
        case "name.familyname" if value:
            return replace(draft, family=text(value, name))
        case "name":
            return _named(draft, lowered(value or {}))
        case "roles" | "roles.value":
            # Who is said to have none, and is new, gets none that they could act by.
            return replace(draft, role=_role(first(value)) or draft.role or Role.VIEWER)
        case _:
            return draft


def _named(draft: UserDraft, parts: dict[str, Any]) -> UserDraft:
    # The whole of it says more than its parts, so it comes last.
    for part in ("givenname", "familyname", "formatted"):
        draft = _set(draft, f"name.{part}", parts.get(part))
    return draft


def _cleared(draft: UserDraft, step: PatchStep) -> UserDraft:
    match step.path:
        case "externalid":
            return replace(draft, external_id=None)
        case "roles" | "roles.value" if draft.role and _names(step, draft.role):
            # What somebody new has without a role; a viewer does not rise by losing theirs.
            return replace(draft, role=lower(draft.role, Role.ENGINEER))
        case "username" | "active":
            raise ScimInvalid(f"{step.path} cannot be removed.", kind="mutability")
        case _:
            return draft


def _names(step: PatchStep, role: Role) -> bool:
    """Whether what is to be removed is the role that they have: by filter, by value, or all."""
    if step.chosen is not None:
        return step.chosen.lower() == role.value
    return step.value is None or _role(first(step.value)) is role


def _role(value: Any) -> Role | None:
    """None where the request names none: nobody gains or loses anything by that."""
    if value in (None, ""):
        return None
    try:
        return Role(text(value, "roles").lower())
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise ScimInvalid(f"roles must be one of: {known}", kind="invalidValue") from None


def _external_id(value: Any) -> str | None:
    if value is None:
        return None
    if len(text(value, "externalId")) > EXTERNAL_ID:
        raise ScimInvalid("externalId is too long.", kind="invalidValue")
    return str(value)


def user_resource(user: ScimUser, base: str) -> Resource:
    """The user as a SCIM resource."""
    location = f"{base}/Users/{user.id}"
    resource: Resource = {
        "schemas": [USER],
        "id": str(user.id),
        "userName": user.email,
        "displayName": user.name,
        "name": {"formatted": user.name},
        "active": user.is_active,
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "roles": [{"value": user.role.value, "primary": True}],
        "groups": [],
        "meta": {"resourceType": "User", "location": location},
    }
    if user.external_id is not None:
        resource["externalId"] = user.external_id
    if user.team_id is not None:
        group = {"value": str(user.team_id), "display": user.team_name}
        resource["groups"] = [group | {"$ref": f"{base}/Groups/{user.team_id}"}]
    return resource
