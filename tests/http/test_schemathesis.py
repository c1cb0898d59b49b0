"""The OpenAPI document holds: whatever is sent, the answer is one that it names, in its shape."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from temporalio.client import Client

from tests.support.cast import AMIR, BO, CHEN, NETWORK
from tests.support.desk import Desk, open_desk
from tests.support.document import document, operations
from tests.support.route_scenes import NAMED
from tests.support.servers import Servers

pytestmark = pytest.mark.filterwarnings(
    # Schemathesis's own strategies do, and it is no fault of what is tested.
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)

BY_MEANING = {
    "addSessionFile": "its name is one by RFC 6266",
    "callHandoff": "who is called is of the account",
    "commandHandoffs": "whom it names is of the account, and a time lies ahead",
    "changeHandoff": "it names something, and a team of the account",
    "createApiToken": "its user is one of the account, and its end lies ahead",
    "createHandoff": "a reminder lies ahead",
    "createSession": "its team and what it follows are of the account",
    "createWebhook": "an address is one, without a user in it",
    "putAccount": "a name can be read, and a host is one",
    "putWebhook": "an address is one, without a user in it",
    "getEscalationAnalytics": "from comes before to, and not too long before",
    "getQueue": "a cursor is one that we gave",
    "giveSession": "who gets it is of the account",
    "listHandoffDeliveries": "a cursor is one that we gave",
    "previewPolicy": "whom it names is of the account",
    "putMyNotifications": "a time zone is one that there is",
    "putMicrosoftTeams": "a team is one of the account, an address is one",
    "putSlack": "a team is one of the account, the first time has its secrets",
    "putPolicy": "whom it names is of the account",
    "putTeam": "a name can be read",
    "putUser": "a name can be read, an address can be mailed, a team is one of the account",
    "searchHandoffs": "a cursor is one that we gave",
    "snoozeHandoff": "the moment lies ahead, and not too far",
    "transferHandoff": "who gets it is of the account",
    "writeHandoffNote": "a note says something",
    **{
        f"scim{act}": "attributes are named in any case, and paths and filters have a grammar"
        for act in (
            *("CreateUser", "ReplaceUser", "PatchUser", "CreateGroup", "ReplaceGroup"),
            *("PatchGroup", "Search", "SearchUsers", "SearchGroups"),
        )
    },
}
"""Where a request that fits the schema may still be refused: by what no schema can say."""

TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "503"]
"""What a request that fits the schema is answered with: by who asks, and by how things stand."""

CONFIG = schemathesis.Config.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": TAKEN}}}
)
EXAMPLES = 12
STREAMS = {"streamEvents"}
"""They answer for ever; tests of their own read them."""

SLOW = {"sendTestNotification"}
"""Real mail goes out for each of these."""


@dataclass(slots=True)
class Target:
    """The service, and things that are there to be named."""

    desk: Desk
    known: dict[str, str]
    session: requests.Session
    answered: Counter[int] = field(default_factory=Counter)


@pytest.fixture(scope="module")
async def target(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Target]:
    """One desk for all operations, with a handoff that they can do something to."""
    async with (
        new_database() as url,
        open_desk(database_url=url, redis_url=servers.redis_url, temporal=temporal) as desk,
    ):
        desk.mail_matters = False
        handoff = await desk.escalate(BO)
        added = await desk.http(BO).post(
            f"/ai-sessions/{handoff.session_id}/files", content=b"a log", headers=NAMED
        )
        known = {
            "session_id": str(handoff.session_id),
            "file_id": added.json()["id"],
            "handoff_id": str(handoff.id),
            "user_id": str(CHEN.id),
            "team_id": str(NETWORK),
        }
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {desk.token(AMIR)}"
            yield Target(desk, known, session)


@pytest.mark.parametrize("operation_id", sorted(operations().keys() - STREAMS))
async def test_every_answer_is_a_documented_one(target: Target, operation_id: str) -> None:
    await asyncio.to_thread(_explore, target, operation_id)
    assert target.answered


def _explore(target: Target, operation_id: str) -> None:
    method, path, _ = operations()[operation_id]
    operation = schemathesis.openapi.from_dict(document(), config=CONFIG)[path][method]
    good = operation.as_strategy(GenerationMode.POSITIVE)
    bad = operation.as_strategy(GenerationMode.NEGATIVE)
    by_meaning = {"positive_data_acceptance"} if operation_id in BY_MEANING else set()
    many = 2 if operation_id in SLOW else EXAMPLES

    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(good, bad), by_name=st.booleans())
    def try_out(case: Any, by_name: bool) -> None:
        if by_name:
            named = {name: target.known.get(name, value) for name, value in _path(case).items()}
            case.path_parameters = named
        # It names this request; another with the same key is a conflict, as it says.
        case.headers["Idempotency-Key"] = str(uuid4())
        response = case.call(
            base_url=target.desk.base_url, session=target.session, allow_redirects=False
        )
        target.answered[response.status_code] += 1
        # What was wrong with it may have been the id.
        left_out = by_meaning | ({"negative_data_rejection"} if by_name else set())
        case.validate_response(
            response, checks=[check for check in checks() if check.__name__ not in left_out]
        )

    try_out()


def checks() -> list[Any]:
    """All that there are."""
    load_all_checks()
    return list(schemathesis.checks.CHECKS.get_all())


def _path(case: Any) -> dict[str, Any]:
    return dict(case.path_parameters or {})


def test_what_is_refused_by_meaning_is_there() -> None:
    assert BY_MEANING.keys() <= operations().keys()


def test_every_operation_has_a_name_and_examples_of_its_errors() -> None:
    for operation_id, (_, path, operation) in operations().items():
        assert operation_id[0].islower(), operation_id
        assert operation_id.isalnum(), operation_id
        for status, response in operation["responses"].items():
            contents = response.get("content", {})
            if "application/scim+json" in contents:
                continue
            problem = contents.get("application/problem+json")
            if int(status) >= 400 and path not in ("/readyz",):
                assert problem, f"{operation_id} {status}"
                assert problem["examples"], f"{operation_id} {status}"
                for example in problem["examples"].values():
                    assert example["value"]["status"] == int(status)
                    assert example["value"]["type"].startswith("/problems/")


def test_names_are_used_once() -> None:
    listed = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]
    assert len(listed) == len(set(listed))


def test_ids_in_paths_are_uuids() -> None:
    for operation_id, (_, _, operation) in operations().items():
        for parameter in operation.get("parameters", []):
            # A claim link is no id, and SCIM's own resources have names.
            if parameter["in"] == "path" and parameter["name"] not in ("token", "name", "urn"):
                assert parameter["schema"]["format"] == "uuid", operation_id
