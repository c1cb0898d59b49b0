"""The people of the tests: two accounts that know nothing of each other."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from handoff.contract.words import Role
from handoff.database.directory.importing import AccountEntry, Directory, TeamEntry, UserEntry

ACME = UUID("0198c000-0000-7000-8000-0000000000a0")
GLOBEX = UUID("0198c000-0000-7000-8000-0000000000b0")
NETWORK = UUID("0198c000-0000-7000-8000-0000000000a8")
BILLING = UUID("0198c000-0000-7000-8000-0000000000a9")
PLATFORM = UUID("0198c000-0000-7000-8000-0000000000b8")


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the cast."""

    id: UUID
    name: str
    role: Role
    team_id: UUID | None = None
    is_active: bool = True
    is_deleted: bool = False
    account_id: UUID = ACME

    @property
    def email(self) -> str:
        """`bo@acme.test`."""
        account = "acme" if self.account_id == ACME else "globex"
        return f"{self.name.lower()}@{account}.test"


def _acme(number: int, name: str, role: Role, **rest: object) -> Member:
    return Member(UUID(int=ACME.int + 0x100 + number), name, role, **rest)  # type: ignore[arg-type]


BO = _acme(1, "Bo", Role.ENGINEER, team_id=NETWORK)
AMIR = _acme(2, "Amir", Role.ADMIN, team_id=NETWORK)
CHEN = _acme(3, "Chen", Role.ENGINEER, team_id=NETWORK)
OLIVE = _acme(4, "Olive", Role.OWNER)
VERA = _acme(5, "Vera", Role.VIEWER, team_id=BILLING)
ZOE = _acme(6, "Zoe", Role.ENGINEER, is_active=False)
DORA = _acme(7, "Dora", Role.ENGINEER, is_deleted=True)
HUGO = Member(
    UUID(int=GLOBEX.int + 0x101), "Hugo", Role.ENGINEER, team_id=PLATFORM, account_id=GLOBEX
)
GINA = Member(UUID(int=GLOBEX.int + 0x102), "Gina", Role.OWNER, account_id=GLOBEX)

EVERYBODY = (BO, AMIR, CHEN, OLIVE, VERA, ZOE, DORA, HUGO, GINA)
SENIORS = (AMIR, CHEN, OLIVE)
"""Whom an escalation of Bo's reaches: never Vera, Zoe, Dora, or anybody of Globex."""


def directory() -> Directory:
    """The cast as an import file has it."""
    return Directory(
        accounts=[
            AccountEntry(
                id=ACME,
                name="Acme",
                teams=[
                    TeamEntry(id=NETWORK, name="Network"),
                    TeamEntry(id=BILLING, name="Billing"),
                ],
                users=_users(ACME),
            ),
            AccountEntry(
                id=GLOBEX,
                name="Globex",
                teams=[TeamEntry(id=PLATFORM, name="Platform")],
                users=_users(GLOBEX),
            ),
        ]
    )


def _users(account_id: UUID) -> list[UserEntry]:
    return [
        UserEntry(
            id=member.id,
            email=member.email,
            name=member.name,
            role=member.role,
            team_id=member.team_id,
            is_active=member.is_active,
            deleted_at=datetime(2026, 1, 1, tzinfo=UTC) if member.is_deleted else None,
        )
        for member in EVERYBODY
        if member.account_id == account_id
    ]
