"""Users as SCIM has them, and what a SCIM user asks of one of ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from api.schemas.directory import UserBody
from api.scim import profiles
from api.scim.expressions import fits
from api.scim.profiles import Profile
from api.scim.protocol import USER, Resource
from api.scim.reading import PatchStep, first, lowered, text, truth
from handoff.contract.words import Role
from handoff.database.directory.scim import ScimUser
from handoff.database.directory.scim_filters import Compared, Condition
from handoff.database.directory.users import KnownUser, WantedUser
from handoff.errors import ScimInvalid
from handoff.mailboxes import mailbox, same_as
from handoff.names import one_line
from handoff.rules.roles import lower

EXTERNAL_ID = 255
USER_NAME = 255


@dataclass(frozen=True, slots=True)
class UserDraft:
    """A user in the making. `role` is None while nothing was said of the role of somebody new;
    `shown` is how they were called before, by whomever."""

    user_name: str = ""
    email: str = ""
    shown: str = ""
    active: bool = True
    role: Role | None = None
    team_id: UUID | None = None
    external_id: str | None = None
    profile: Profile = field(default_factory=dict)

    @classmethod
    def of(cls, user: KnownUser) -> "UserDraft":
        """The user as they are."""
        return cls(
            user_name=user.user_name or user.email,
            email=user.email,
            shown=user.name,
            active=user.is_active,
            role=user.role,
            team_id=user.team_id,
            external_id=user.external_id,
            profile=believed(user.profile, user.name),
        )

    @property
    def full_name(self) -> str:
        """The name in one; for want of any, what stands before the address's @."""
        told = profiles.told_name(self.profile)
        return told or self.shown or self.email.rpartition("@")[0]

    def wanted(self) -> WantedUser:
        """What the directory is asked for.

        Raises:
            ScimInvalid: no user can be like that.
        """
        try:
            wanted = UserBody(
                email=self.email,
                name=self.full_name[:200],
                role=self.role or Role.ENGINEER,
                team_id=self.team_id,
                is_active=self.active,
            ).to_wanted()
        except ValidationError as fault:
            error = fault.errors()[0]
            name = str(error["loc"][0]) if error["loc"][0] != "email" else "emails, or userName"
            raise ScimInvalid(f"{name}: {error['msg']}", kind="invalidValue") from None
        named = self.user_name if self.user_name != wanted.email else None
        profile = {**self.profile, "shown": wanted.name} if self.profile else None
        return replace(wanted, external_id=self.external_id, user_name=named, profile=profile)

    def filled(self, body: Resource) -> "UserDraft":
        """The draft with everything that the resource says; what it does not say stays."""
        given = lowered(body)
        if not isinstance(given.get("username"), str):
            raise ScimInvalid("userName is needed.", kind="invalidValue")
        draft = self
        # The address follows the name, unless one is given.
        for name in sorted(given, key=lambda name: name != "username"):
            if name == "name":
                profile = profiles.with_name(draft.profile, given[name], whole=True)
                draft = replace(draft, profile=profile)
            else:
                draft = _set(draft, name, given[name])
        return draft

    def patched(self, steps: Iterable[PatchStep]) -> "UserDraft":
        """The draft after the steps of a PATCH. Attributes that we do not keep are passed over."""
        draft = self
        for step in steps:
            if step.kind == "remove":
                draft = _cleared(draft, step)
            elif step.chosen is None or _is_ours(draft, step.path, step.chosen):
                draft = _set(draft, step.path, step.value)
        return draft


def believed(profile: Profile | None, name: str) -> Profile:
    """What the provider said, as far as nobody has said otherwise since."""
    if profile is None or profile.get("shown") == name:
        return profile or {}
    return {key: value for key, value in profile.items() if key not in ("name", "displayName")}


def _is_ours(draft: UserDraft, path: str, chosen: Condition) -> bool:
    """Whether a filter chooses the one address or role that is kept, which is the primary one.
    Those of another type are not kept here, and passed over like any attribute.

    Raises:
        ScimInvalid: it names one that is not there (RFC 7644, 3.5.2.3).
    """
    match path.partition(".")[0]:
        case "emails":
            entry = {"value": draft.email, "type": "work", **draft.profile.get("email", {})}
        case "roles":
            entry = {"value": draft.role, **draft.profile.get("role", {})}
        case _:
            return True
    if fits(chosen, {**entry, "primary": True}):
        return True
    if isinstance(chosen, Compared) and chosen.name == "type":
        return False
    raise ScimInvalid(f"{path}: this chooses none that is there.", kind="noTarget")


def _set(draft: UserDraft, name: str, value: Any) -> UserDraft:
    match name:
        case "username":
            return _called(draft, text(value, "userName"))
        case "active":
            return replace(draft, active=truth(value))
        case "externalid":
            return replace(draft, external_id=_external_id(value))
        case "displayname":
            return replace(draft, profile=profiles.with_display_name(draft.profile, value))
        case "name":
            profile = profiles.with_name(draft.profile, value or {}, whole=False)
            return replace(draft, profile=profile)
        case "emails" | "emails.value":
            return _addressed(draft, first(value))
        case "roles" | "roles.value":
            return _ranked(draft, first(value))
        case _ if name.startswith("name."):
            part = name.removeprefix("name.")
            return replace(draft, profile=profiles.with_part(draft.profile, part, value))
        case _:
            return draft


def _called(draft: UserDraft, given: str) -> UserDraft:
    """What the provider calls them. Where that is an address, and none was given, it is theirs."""
    try:
        name = one_line(given).strip()
    except ValueError as fault:
        raise ScimInvalid(f"userName: {fault}", kind="invalidValue") from None
    if len(name) > USER_NAME:
        raise ScimInvalid("userName is too long.", kind="invalidValue")
    try:
        address = mailbox(name)
    except ValueError:
        return replace(draft, user_name=name)
    follows = same_as(draft.email) in ("", same_as(draft.user_name))
    return replace(draft, user_name=address, email=address if follows else draft.email)


def _addressed(draft: UserDraft, entry: dict[str, Any]) -> UserDraft:
    """There is but one address here: the primary one, or the first."""
    if entry.get("value") in (None, ""):
        return draft
    try:
        address = mailbox(text(entry["value"], "emails"))
    except ValueError as fault:
        raise ScimInvalid(f"emails: {fault}", kind="invalidValue") from None
    said = profiles.beside(entry, "type", "primary", "display")
    return replace(draft, email=address, profile=draft.profile | {"email": said})


def _ranked(draft: UserDraft, entry: dict[str, Any]) -> UserDraft:
    """Who is said to have none, and is new, gets none that they could act by."""
    role = _role(entry.get("value"))
    if role is None:
        return replace(draft, role=draft.role or Role.VIEWER)
    said = profiles.beside(entry, "type", "primary", "display")
    return replace(draft, role=role, profile=draft.profile | {"role": said})


def _cleared(draft: UserDraft, step: PatchStep) -> UserDraft:
    match step.path:
        case "externalid":
            return replace(draft, external_id=None)
        case "displayname":
            return replace(draft, profile=profiles.with_display_name(draft.profile, None))
        case "name":
            return replace(draft, profile=profiles.with_name(draft.profile, None, whole=True))
        case "roles" | "roles.value" if draft.role and _names(step, draft.role):
            # What somebody new has without a role; a viewer does not rise by losing theirs.
            return replace(draft, role=lower(draft.role, Role.ENGINEER))
        case "username" | "active" | "emails" | "emails.value":
            raise ScimInvalid(f"{step.path} cannot be removed.", kind="mutability")
        case name if name.startswith("name."):
            part = name.removeprefix("name.")
            return replace(draft, profile=profiles.with_part(draft.profile, part, None))
        case _:
            return draft


def _names(step: PatchStep, role: Role) -> bool:
    """Whether what is to be removed is the role that they have: by filter, by value, or all."""
    if step.chosen is not None:
        return fits(step.chosen, {"value": role.value, "primary": True})
    return step.value is None or _role(first(step.value).get("value")) is role


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
    said = believed(user.profile, user.name)
    resource: Resource = {
        "schemas": [USER],
        "id": str(user.id),
        "userName": user.user_name or user.email,
        "displayName": said.get("displayName", user.name),
        "name": said.get("name", {"formatted": user.name}),
        "active": user.is_active,
        "emails": [{"value": user.email, **said.get("email", {"type": "work", "primary": True})}],
        "roles": [{"value": user.role.value, **said.get("role", {"primary": True})}],
        "groups": [],
        "externalId": user.external_id,
        "meta": {"resourceType": "User", "location": f"{base}/Users/{user.id}"},
    }
    if user.team_id is not None:
        group = {"value": str(user.team_id), "display": user.team_name}
        resource["groups"] = [group | {"$ref": f"{base}/Groups/{user.team_id}"}]
    return {name: value for name, value in resource.items() if value is not None}
