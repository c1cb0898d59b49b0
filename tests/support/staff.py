"""Many people at once, for rounds that are large."""

from uuid import UUID

from handoff.contract.words import Role
from handoff.database.directory.importing import AccountEntry, Directory, UserEntry, bring_in
from tests.support.cast import ACME
from tests.support.desk import Desk


async def hire(desk: Desk, number: int) -> None:
    """So many engineers more for Acme."""
    users = [
        UserEntry(
            id=UUID(int=ACME.int + 0x10000 + index),
            email=f"p{index}@acme.test",
            name=f"Person {index}",
            role=Role.ENGINEER,
        )
        for index in range(number)
    ]
    acme = AccountEntry(id=ACME, name="Acme", users=users)
    await bring_in(desk.database, Directory(accounts=[acme]))
