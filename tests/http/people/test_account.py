"""What an account says about itself, and how much of a handoff leaves for it."""

import pytest

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk

TYPED = ("VPN drops", "Rekey fails at noon", "customer-7", "Look at the log")


async def test_what_is_named_changes_and_the_rest_stays(desk: Desk) -> None:
    olive = desk.http(OLIVE)
    before = (await olive.get("/account")).json()
    assert before == {
        "name": "Acme",
        "content": {
            "email": "full",
            "slack": "title",
            "teams": "title",
            "webhook": "full",
            "callback": "full",
        },
        "callback_hosts": [],
    }
    said = {"content": {"email": "title"}, "callback_hosts": ["Example.COM", "example.com:8443"]}
    put = await olive.put("/account", json=said)
    assert put.status_code == 200, put.text
    put = await desk.http(AMIR).put("/account", json={"name": "Acme & Sons"})
    assert put.json() == before | {
        "name": "Acme & Sons",
        "content": before["content"] | {"email": "title"},
        "callback_hosts": ["example.com", "example.com:8443"],
    }
    assert put.json() == (await olive.get("/account")).json()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"content": {"pigeon": "full"}}, "body/content/pigeon"),
        ({"content": {"push": "link"}}, "body/content/push"),
        ({"content": {"email": "loud"}}, "body/content/email"),
        ({"callback_hosts": ["https://example.com"]}, "body/callback_hosts/0"),
        ({"callback_hosts": ["me:secret@example.com"]}, "body/callback_hosts/0"),
        ({"callback_hosts": ["example.com", "*.example.com"]}, "body/callback_hosts/1"),
        ({"callback_hosts": ["example.com:99999"]}, "body/callback_hosts/0"),
        ({"callback_hosts": ["h"] * 51}, "body/callback_hosts"),
        ({"name": " "}, "body/name"),
        ({"plan": "free"}, "body/plan"),
    ],
)
async def test_what_is_wrong_is_named_by_its_path(desk: Desk, body: object, path: str) -> None:
    answer = await desk.http(OLIVE).put("/account", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].startswith(path)


async def test_a_secret_is_shown_once(desk: Desk) -> None:
    made = [
        await desk.http(OLIVE).post("/account/callback-secret", headers={"Idempotency-Key": "s"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    secret = made[0].json()["secret"]
    assert secret.startswith("whsec_")
    assert made[1].json() == {"secret": None}
    seen = await desk.http(OLIVE).get("/account")
    assert secret.removeprefix("whsec_") not in seen.text


@pytest.mark.parametrize(("content", "leaves"), [("title", TYPED[:1]), ("link", ())])
async def test_no_letter_says_more_than_the_account_lets_out(
    desk: Desk, content: str, leaves: tuple[str, ...]
) -> None:
    await desk.http(OLIVE).put("/account", json={"content": {"email": content}})
    handoff = await desk.escalate(
        title=TYPED[0], engineer_notes=TYPED[1], context={"who": TYPED[2]}, priority="urgent"
    )
    await desk.expect_mails(SENIORS, handoff)
    await desk.command(CHEN, handoff, "notes", {"text": TYPED[3]})
    await desk.expect_mail(BO, handoff)
    await desk.claim(CHEN, handoff)
    await desk.until_told(handoff)
    resolved = {"outcome": "fixed", "note": TYPED[3]}
    await desk.command(CHEN, handoff, "resolve", resolved)
    await desk.until_told(handoff)
    assert len(desk.postbox.mails) >= len(SENIORS) + 4
    for mail in desk.postbox.mails:
        text = _all_of(mail)
        assert [typed for typed in TYPED if typed in text] == list(leaves), text
        if content == "link":
            assert not [name for name in ("Bo", "Chen", "urgent") if name in _body(text)], text
            assert "Open it" in text
    desk.mail_matters = False


def _all_of(mail: object) -> str:
    message = mail.message  # type: ignore[attr-defined]
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *parts])


def _body(text: str) -> str:
    """Without whom it is for."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("To: "))
