"""The operator's file: judged by what it makes of everybody, and told where it does not fit."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import typer

from handoff.cli.import_file import _read
from handoff.database.directory.importing import Directory, bring_in
from handoff.errors import ImportRefused
from tests.support.cast import ACME, AMIR, BO, CHEN, OLIVE, Member
from tests.support.desk import Desk
from tests.support.provider import browser, move_to_provider, running_provider

pytestmark = pytest.mark.desk(worker=False)


def line(who: Member | UUID, **said: Any) -> dict[str, Any]:
    if isinstance(who, UUID):
        return {"id": who, **said}
    return {"id": who.id, "email": who.email, "name": who.name, "role": who.role, **said}


async def bring(desk: Desk, *users: dict[str, Any]) -> None:
    account = {"id": ACME, "name": "Acme", "users": list(users)}
    await bring_in(desk.database, Directory.model_validate({"accounts": [account]}))


async def addresses(desk: Desk) -> dict[str, str]:
    listed = (await desk.http(OLIVE).get("/directory/users")).json()
    return {user["id"]: user["email"] for user in listed}


async def test_two_people_swap_their_addresses(desk: Desk) -> None:
    for first, second in ((CHEN.email, BO.email), (BO.email, CHEN.email)):
        await bring(desk, line(BO, email=first), line(CHEN, email=second))
        found = await addresses(desk)
        assert (found[str(BO.id)], found[str(CHEN.id)]) == (first, second)


async def test_three_people_move_round(desk: Desk) -> None:
    ring = [(BO, CHEN.email), (CHEN, AMIR.email), (AMIR, BO.email)]
    await bring(desk, *(line(who, email=email) for who, email in ring))
    found = await addresses(desk)
    assert [found[str(who.id)] for who, _ in ring] == [email for _, email in ring]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("order", [1, -1])
async def test_a_re_hire_and_the_one_who_left(desk: Desk, order: int) -> None:
    again = uuid4()
    lines = [
        line(again, email=CHEN.email, name="Chen", role="engineer"),
        line(CHEN, deleted_at="2026-01-01T00:00:00Z"),
    ]
    for _ in range(2):
        await bring(desk, *lines[::order])
    found = await addresses(desk)
    assert found[str(again)] == CHEN.email
    assert str(CHEN.id) not in found
    # It is the one who is there who signs in by that address.
    with running_provider() as provider:
        await move_to_provider(desk, provider)
        async with browser(desk, provider) as somebody:
            assert await somebody.sign_in("okta|chen", email=CHEN.email) == "/"
            assert await somebody.me() == str(again)


@pytest.mark.parametrize("email", ["chen@acme.test", "CHEN@acme.test"])
async def test_one_address_for_two_is_told_with_its_place(desk: Desk, email: str) -> None:
    before = await addresses(desk)
    with pytest.raises(ImportRefused) as refused:
        await bring(desk, line(BO, name="Bob"), line(AMIR, email=email))
    assert refused.value.detail.startswith("accounts/0/users/1: ")
    assert await addresses(desk) == before


async def test_two_spellings_are_one_person(desk: Desk) -> None:
    await bring(desk, line(BO, email="bo@bücher.test"))
    with pytest.raises(ImportRefused):
        await bring(desk, line(AMIR, email="BO@xn--bcher-kva.test"))
    await bring(desk, line(BO, email="bo@xn--bcher-kva.test"))
    assert (await addresses(desk))[str(BO.id)] == "bo@bücher.test"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b..c"}, "email"),
        ({"email": "a\u0000@acme.test"}, "email"),
        ({"name": "a\nb"}, "name"),
        ({"external_id": "a\u0000b"}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"role": "emperor"}, "role"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_line_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: dict[str, Any], where: str
) -> None:
    with pytest.raises(typer.Exit):
        _read(_written(tmp_path, line(BO), line(AMIR, **said)))
    told = capsys.readouterr().err
    assert f"accounts/0/users/1/{where}: " in told
    assert "users/0" not in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_mark_before_the_file_is_no_part_of_it(tmp_path: Path, encoding: str) -> None:
    file = _written(tmp_path, line(BO, name="山田　太郎"), encoding=encoding)
    assert _read(file).accounts[0].users[0].name == "山田　太郎"


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.json"
    file.write_bytes(b'{"accounts": "\xff"}')
    with pytest.raises(typer.Exit):
        _read(file)
    assert "byte 14 is not utf-8" in capsys.readouterr().err


def _written(folder: Path, *users: dict[str, Any], encoding: str = "utf-8") -> Path:
    account = {"id": str(ACME), "name": "Acme", "users": [_plain(user) for user in users]}
    file = folder / "people.json"
    file.write_text(json.dumps({"accounts": [account]}), encoding)
    return file


def _plain(user: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in user.items()}
