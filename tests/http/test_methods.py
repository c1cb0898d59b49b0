"""A method that a path does not have is 405, and `Allow` names all that it has."""

import re

import pytest

from tests.support.cast import AMIR
from tests.support.desk import Desk
from tests.support.document import document

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
SOME_ID = "0198c000-0000-7000-8000-0000000001a1"


def named(path: str) -> str:
    """The path with something in the place of what it names."""
    return re.sub(r"\{\w+\}", SOME_ID, path)


def known(path: str) -> set[str]:
    """What may be done there; `/Users/.search` is a user's path, too."""
    methods: set[str] = set()
    for other, known_there in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), named(path)):
            methods |= {method.upper() for method in known_there}
    return methods


@pytest.mark.desk(rate_requests_per_user=10_000)
async def test_a_405_names_every_method_of_its_path(desk: Desk) -> None:
    wrong = {}
    for path in document()["paths"]:
        for method in sorted(METHODS - known(path)):
            answer = await desk.http(AMIR).request(method, named(path))
            allowed = set(answer.headers.get("allow", "").replace(" ", "").split(","))
            if answer.status_code != 405 or allowed - {"HEAD"} != known(path):
                wrong[f"{method} {path}"] = (answer.status_code, allowed)
    assert not wrong
