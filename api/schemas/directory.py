"""What the directory takes. What it gives are the database's own views."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from api.schemas.texts import Body, Text
from handoff.contract.words import Role, UserKind
from handoff.database.directory.users import WantedUser
from handoff.mailboxes import mailbox
from handoff.names import one_line

Name = Annotated[Text, Field(min_length=1, max_length=200), AfterValidator(one_line)]
Address = Annotated[Text, Field(min_length=3, max_length=254), AfterValidator(mailbox)]


class UserBody(Body):
    """The whole of a user: what is left out takes its default."""

    email: Address
    name: Name
    role: Role
    team_id: UUID | None = None
    is_active: bool = True
    kind: UserKind | None = Field(
        default=None,
        description="`service`: a program's own user, as whom nobody signs in and which is never "
        "told anything. Said when a user is made, `person` unless told otherwise; it stays",
    )

    def to_wanted(self) -> WantedUser:
        """The database's form."""
        return WantedUser(**self.model_dump())


class TeamBody(Body):
    """The whole of a team."""

    name: Name
