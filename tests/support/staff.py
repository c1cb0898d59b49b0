"""Many people at once, for rounds that are large."""

from uuid import UUID

from handoff.contract.words import Role
from handoff.database.directory.importing import AccountEntry, Directory, UserEntry, bring_in
from tests.support.cast import ACME, Member
from tests.support.desk import Desk


async def hire(desk: Desk, number: int) -> None:
    """So many engineers more for Acme."""
    users = [
        UserEntry(id=one.id, email=f"p{index}@acme.test", name=one.name, role=one.role)
        for index, one in enumerate(hired(number))
    ]
    acme = AccountEntry(id=ACME, name="Acme", users=users)
    await bring_in(desk.database, Directory(accounts=[acme]))


def hired(number: int) -> list[Member]:
    """The same people, to act as."""
    return [
        Member(UUID(int=ACME.int + 0x10000 + index), f"Person {index}", Role.ENGINEER)
        for index in range(number)
    ]
