"""Groups as SCIM has them, and what a SCIM group asks of one of our teams."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from api.schemas.directory import TeamBody
from api.scim.expressions import fits
from api.scim.protocol import GROUP, Resource
from api.scim.reading import PatchStep, lowered, text
from api.scim.users import EXTERNAL_ID
from handoff.database.directory.scim import ScimTeam, WantedTeam
from handoff.database.directory.scim_filters import Compared, Condition
from handoff.errors import ScimInvalid


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A team in the making, with everybody who is to be in it."""

    name: str = ""
    external_id: str | None = None
    members: frozenset[UUID] = field(default_factory=frozenset)

    @classmethod
    def of(cls, team: ScimTeam) -> "GroupDraft":
        """The team as it is."""
        return cls(team.name, team.external_id, frozenset(member.id for member in team.members))

    def wanted(self) -> WantedTeam:
        """What the directory is asked for.

        Raises:
            ScimInvalid: no team can be like that.
        """
        try:
            name = TeamBody(name=self.name).name
        except ValidationError as fault:
            message = fault.errors()[0]["msg"]
            raise ScimInvalid(f"displayName: {message}", kind="invalidValue") from None
        return WantedTeam(name, self.external_id, self.members)

    def filled(self, body: Resource) -> "GroupDraft":
        """The draft with everything that the resource says; what it does not say stays."""
        given = lowered(body)
        if not isinstance(given.get("displayname"), str):
            raise ScimInvalid("displayName is needed.", kind="invalidValue")
        draft = self
        for name, value in given.items():
            draft = _step(draft, PatchStep("replace", name, value))
        return draft

    def patched(self, steps: Iterable[PatchStep]) -> "GroupDraft":
        """The draft after the steps of a PATCH. Attributes that we do not keep are passed over."""
        draft = self
        for step in steps:
            draft = _step(draft, step)
        return draft


def _step(draft: GroupDraft, step: PatchStep) -> GroupDraft:
    match step.path:
        case "members":
            return replace(draft, members=_members(draft.members, step))
        case "displayname":
            if step.kind == "remove":
                raise ScimInvalid("displayName cannot be removed.", kind="mutability")
            return replace(draft, name=text(step.value, "displayName"))
        case "externalid":
            return replace(draft, external_id=_external_id(step))
        case _:
            return draft


def _members(present: frozenset[UUID], step: PatchStep) -> frozenset[UUID]:
    if step.chosen is not None:
        return _chosen(present, step.chosen, step.kind)
    named = frozenset(_ids(step.value))
    match step.kind:
        case "add":
            return present | named
        case "remove":
            # Without a value it means all of them; a list that names nobody means nobody.
            return frozenset() if step.value is None else present - named
        case _:
            return named


def _chosen(present: frozenset[UUID], chosen: Condition, kind: str) -> frozenset[UUID]:
    """Of those who are in it; by the id alone somebody can be named who is not."""
    if kind == "remove":
        return frozenset(one for one in present if not fits(chosen, {"value": one, "type": "User"}))
    if isinstance(chosen, Compared) and (chosen.name, chosen.operator) == ("value", "eq"):
        return present | {_id(chosen.value)}
    raise ScimInvalid("members: this chooses nobody.", kind="noTarget")


def _ids(value: Any) -> Iterable[UUID]:
    if value is None:
        return
    for item in value if isinstance(value, list) else [value]:
        yield _id(lowered(item).get("value") if isinstance(item, dict) else item)


def _id(value: Any) -> UUID:
    try:
        return UUID(text(value, "members.value"))
    except ValueError:
        raise ScimInvalid("members: there is no such user.", kind="invalidValue") from None


def _external_id(step: PatchStep) -> str | None:
    if step.kind == "remove" or step.value is None:
        return None
    if len(text(step.value, "externalId")) > EXTERNAL_ID:
        raise ScimInvalid("externalId is too long.", kind="invalidValue")
    return str(step.value)


def group_resource(team: ScimTeam, base: str) -> Resource:
    """The team as a SCIM resource."""
    resource: Resource = {
        "schemas": [GROUP],
        "id": str(team.id),
        "displayName": team.name,
        "members": [
            {"value": str(member.id), "type": "User", "$ref": f"{base}/Users/{member.id}"}
            for member in team.members
        ],
        "meta": {"resourceType": "Group", "location": f"{base}/Groups/{team.id}"},
    }
    if team.external_id is not None:
        resource["externalId"] = team.external_id
    return resource
