"""Temporal's UI asks for what is encrypted: only an admin's own account is ever shown to them."""

import base64
import json
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest

from handoff.temporal import queues
from tests.support.cast import AMIR, BO, CHEN, GINA, HUGO, OLIVE, VERA, Member
from tests.support.cookies import cookie_of
from tests.support.desk import Desk, Handoff

UI = "http://127.0.0.1:8233"
PATH = "/codec/decode"
WORDS = "words for seniors alone"

pytestmark = pytest.mark.desk(temporal_ui_url=f"{UI}/some/path")


@pytest.fixture(autouse=True)
def quiet(desk: Desk) -> None:
    desk.mail_matters = False


async def kept(desk: Desk, handoff: Handoff) -> dict[str, Any]:
    """What Temporal keeps of its start, as the UI asks for it."""
    request = GetWorkflowExecutionHistoryRequest(
        namespace=desk.temporal.namespace,
        execution=WorkflowExecution(workflow_id=queues.workflow_id(handoff.id)),
    )
    answer = await desk.temporal.workflow_service.get_workflow_execution_history(request)
    started = answer.history.events[0].workflow_execution_started_event_attributes
    return MessageToDict(Payloads(payloads=started.input.payloads))


async def ask(desk: Desk, who: Member | None, body: Any) -> httpx.Response:
    return await desk.http(who).post(PATH, json=body)


def read(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    [payload] = answer.json()["payloads"]
    return base64.b64decode(payload["data"]).decode("latin-1")


@pytest.mark.parametrize("who", [AMIR, OLIVE], ids=lambda who: who.name)
async def test_admins_and_owners_see_their_accounts_payloads(desk: Desk, who: Member) -> None:
    body = await kept(desk, await desk.escalate(engineer_notes=WORDS))
    assert WORDS in read(await ask(desk, who, body))


async def test_nobody_sees_another_accounts(desk: Desk) -> None:
    for who, other in ((BO, GINA), (HUGO, AMIR)):
        body = await kept(desk, await desk.escalate(who, engineer_notes=WORDS))
        assert (await ask(desk, other, body)).json() == body


async def test_a_forged_owner_opens_nothing(desk: Desk) -> None:
    foreign = await kept(desk, await desk.escalate(HUGO, engineer_notes=WORDS))
    own = await desk.escalate(BO)
    [payload] = foreign["payloads"]
    name = base64.b64encode(queues.workflow_id(own.id).encode()).decode()
    payload["metadata"]["handoff-workflow"] = name
    assert (await ask(desk, AMIR, foreign)).json() == foreign


@pytest.mark.parametrize(("who", "status"), [(BO, 403), (CHEN, 403), (VERA, 403), (None, 401)])
async def test_all_others_are_refused(desk: Desk, who: Member | None, status: int) -> None:
    body = await kept(desk, await desk.escalate())
    assert (await ask(desk, who, body)).status_code == status


async def test_the_notes_of_a_parked_handoff_stay_with_its_parker(desk: Desk) -> None:
    handoff = await desk.park(OLIVE, engineer_notes=WORDS)
    body = await kept(desk, handoff)
    assert (await ask(desk, AMIR, body)).json() == body
    assert WORDS in read(await ask(desk, OLIVE, body))
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    assert WORDS in read(await ask(desk, AMIR, body))


async def test_a_signed_in_admin_sees_them_in_temporals_ui_and_nowhere_else(desk: Desk) -> None:
    body = await kept(desk, await desk.escalate(engineer_notes=WORDS))
    http, headers = desk.http(), {"Cookie": cookie_of(desk, AMIR), "X-Namespace": "handoff"}
    shown = await http.post(PATH, json=body, headers={**headers, "Origin": UI})
    assert WORDS in read(shown)
    assert shown.headers["access-control-allow-origin"] == UI
    assert shown.headers["access-control-allow-credentials"] == "true"
    for origin in ("https://evil.test", "null", f"{UI}.evil.test", "http://127.0.0.1:8234"):
        refused = await http.post(PATH, json=body, headers={**headers, "Origin": origin})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
    # The UI's page may ask for this, and for nothing else.
    made = await http.post("/ai-sessions", json={"title": "x"}, headers={**headers, "Origin": UI})
    assert made.status_code == 403


async def test_a_browser_is_told_who_may_ask(desk: Desk) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-namespace",
    }
    allowed = await desk.http().options(PATH, headers={**asked, "Origin": UI})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == UI
    other = await desk.http().options(PATH, headers={**asked, "Origin": "https://evil.test"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b'{"payloads": 1}', 422),
        (b"\xff", 422),
        (b"[" * 100_000, 422),
        (json.dumps({"payloads": [{}] * 201}).encode(), 422),
        (b" " * (1024 * 1024 + 1), 413),
    ],
)
async def test_nonsense_is_refused(desk: Desk, content: bytes, status: int) -> None:
    answer = await desk.http(AMIR).post(PATH, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_not_encrypted_comes_back_as_it_was(desk: Desk) -> None:
    body = MessageToDict(
        Payloads(
            payloads=[
                Payload(metadata={"encoding": b"json/plain"}, data=b'"look at the record"'),
                Payload(metadata={"encoding": b"binary/encrypted"}, data=b"x"),
                Payload(),
            ]
        )
    )
    assert (await ask(desk, AMIR, body)).json() == body


@pytest.mark.desk(payload_keys="none", temporal_ui_url=UI)
async def test_without_keys_there_is_no_such_door(desk: Desk) -> None:
    assert (await ask(desk, AMIR, {"payloads": []})).status_code == 404
