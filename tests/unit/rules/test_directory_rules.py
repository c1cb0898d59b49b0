"""Who may change whom: owners are made and unmade by owners, and one always stays."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.errors import Forbidden, LastOwner
from handoff.rules.directory import Standing, must_be_allowed

ENGINEER = Standing("bo@acme.test", Role.ENGINEER, is_active=True)
OWNER = Standing("olive@acme.test", Role.OWNER, is_active=True)
NOT_OWNERS = (Role.ADMIN, Role.ENGINEER, Role.VIEWER)


def actor(role: Role) -> Actor:
    return Actor(UUID(int=1), UUID(int=2), "Somebody", "somebody@acme.test", role, None)


def allowed(role: Role, before: Standing | None, after: Standing, *, other_owners: int = 1) -> None:
    must_be_allowed(actor(role), before, after, other_owners=other_owners)


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.VIEWER])
def test_only_admins_and_owners_change_anybody(role: Role) -> None:
    with pytest.raises(Forbidden):
        allowed(role, ENGINEER, ENGINEER)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER])
@pytest.mark.parametrize("wanted", NOT_OWNERS)
def test_admins_and_owners_change_everybody_else(role: Role, wanted: Role) -> None:
    allowed(role, None, replace(ENGINEER, role=wanted))
    allowed(role, ENGINEER, replace(ENGINEER, role=wanted, is_active=False))


@pytest.mark.parametrize("before", [None, ENGINEER, replace(OWNER, is_active=False)])
def test_an_admin_makes_no_owner(before: Standing | None) -> None:
    with pytest.raises(Forbidden):
        allowed(Role.ADMIN, before, OWNER)
    allowed(Role.OWNER, before, OWNER)


@pytest.mark.parametrize(
    "after",
    [
        replace(OWNER, role=Role.ADMIN),
        replace(OWNER, is_active=False),
        replace(OWNER, email="admin@acme.test"),
    ],
)
def test_an_admin_unmakes_no_owner_and_takes_no_owners_address(after: Standing) -> None:
    with pytest.raises(Forbidden):
        allowed(Role.ADMIN, OWNER, after)
    allowed(Role.OWNER, OWNER, after)


def test_an_admin_may_change_what_gives_an_owner_no_rights() -> None:
    allowed(Role.ADMIN, OWNER, OWNER)


@pytest.mark.parametrize("role", NOT_OWNERS)
def test_the_last_active_owner_stays(role: Role) -> None:
    for after in (replace(OWNER, role=role), replace(OWNER, is_active=False)):
        with pytest.raises(LastOwner):
            allowed(Role.OWNER, OWNER, after, other_owners=0)


def test_the_last_owner_may_get_another_address() -> None:
    allowed(Role.OWNER, OWNER, replace(OWNER, email="new@acme.test"), other_owners=0)


STANDINGS = st.builds(Standing, st.just("a@acme.test"), st.sampled_from(Role), st.booleans())


@given(st.sampled_from(Role), st.none() | STANDINGS, STANDINGS, st.integers(0, 3))
def test_no_change_that_is_allowed_leaves_an_account_without_an_owner(
    role: Role, before: Standing | None, after: Standing, others: int
) -> None:
    owned = others + bool(before and before.is_owner)
    try:
        allowed(role, before, after, other_owners=others)
    except (Forbidden, LastOwner):
        return
    assert owned == 0 or others + after.is_owner > 0
