"""Who acts and who is named, as the database knows them. Data only, standard library only."""

from dataclasses import dataclass
from uuid import UUID

from handoff.contract.words import Role


@dataclass(frozen=True, slots=True)
class Person:
    """A user as others of the account see them."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place of the account that a channel reaches, and that is nobody's own. `team_id` None: it
    is there for every team that has none."""

    id: UUID
    name: str
    channel: str
    team_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an identity provider has vouched for. `address` only where it has verified it."""

    issuer: str
    value: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """The user on whose behalf something is done, as the database knows them at this moment."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    role: Role
    team_id: UUID | None
    token_id: UUID | None = None
    """The API token by which a program acts as this user; `role` is what it may at most."""
    token_name: str | None = None

    @property
    def reader_id(self) -> UUID | None:
        """Whose own things may be shown: a program reads what the account may, nobody's own."""
        return self.id if self.token_id is None else None
