"""The mail catcher keeps what it has acknowledged, and shows the worst of mails harmlessly."""

import contextlib
import smtplib
import stat
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from handoff.stack.application import Mail
from handoff.stack.home import hold_home
from handoff.stack.ports import Ports

HOSTILE = b"""\
From: "><script>alert(1)</script> <x@evil.test>\r
Subject: =?utf-8?q?<script>alert(2)</script>=0D=0ABcc:_evil?=\r
Message-ID: <hostile@evil.test>\r
X-Twice: one\r
X-Twice: two\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
</pre><script>alert(3)</script>\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<base href="https://evil.test/"><script>alert(4)</script>\r
<meta http-equiv="refresh" content="0;url=https://evil.test/">\r
<form action="https://evil.test/"><a href="https://acme.test/c/token">Claim</a></form>\r
--b--\r
"""


@contextlib.contextmanager
def caught(data_dir: Path) -> Iterator[Mail]:
    with hold_home(data_dir) as home:
        ports = Ports(data_dir / "ports.json")
        mail = Mail(
            home,
            smtp_port=ports.choose("smtp"),
            web_port=ports.choose("mail"),
            environment={"PATH": "/usr/bin:/bin"},
        )
        try:
            mail.start()
            yield mail
        finally:
            mail.stop()


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    with caught(tmp_path_factory.mktemp("catcher")) as running:
        yield running


@pytest.fixture
def web(mail: Mail) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mail.url) as client:
        assert client.delete("/api/messages").status_code == 204
        yield client


def send(mail: Mail, content: bytes, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", mail.smtp_port) as smtp:
        smtp.sendmail("from@acme.test", recipients or ["to@acme.test"], content)


def test_a_message_is_told_as_it_came(mail: Mail, web: httpx.Client) -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["Message-ID"] = "<one@acme.test>"
    message.set_content("Wie geht’s?\n")
    message.add_alternative("<p>Wie geht’s?</p>\n", subtype="html")
    send(mail, message.as_bytes(), "a@acme.test", "b@acme.test")
    send(mail, b"Subject: second\r\n\r\n")
    first, second = web.get("/api/messages").json()
    assert first["from"] == "from@acme.test"
    assert first["to"] == ["a@acme.test", "b@acme.test"]
    assert first["subject"] == "Grüße"
    assert first["message_id"] == "<one@acme.test>"
    assert dict(first["headers"])["MIME-Version"] == "1.0"
    assert (first["text"].strip(), first["html"].strip()) == ("Wie geht’s?", "<p>Wie geht’s?</p>")
    assert second["subject"] == "second", "the newest is last"
    assert [one["id"] for one in web.get(f"/api/messages?after={first['id']}").json()] == [
        second["id"]
    ]


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    with caught(tmp_path / "data") as mail:
        send(mail, b"Subject: kept\r\n\r\n")
        mail.kill()
        (mail.directory / ".half-written").write_bytes(b"X")
        mail.start()
        messages = httpx.get(f"{mail.url}/api/messages").json()
        assert [message["subject"] for message in messages] == ["kept"]
        kept = list(mail.directory.iterdir())
        assert [path.suffix for path in kept] == [".eml"]
        assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


def test_a_hostile_mail_is_shown_without_being_obeyed(mail: Mail, web: httpx.Client) -> None:
    send(mail, HOSTILE)
    (message,) = web.get("/api/messages").json()
    assert [value for name, value in message["headers"] if name == "X-Twice"] == ["one", "two"]
    # The list has one script, its own, and no page that shows a letter has any.
    ours = '<script type="module" src="/list.js"></script>'
    for path, scripts in (("/", "script-src 'self';"), (f"/messages/{message['id']}", None)):
        page = web.get(path)
        assert "<script" not in page.text.replace(ours, "" if scripts else ours)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert (scripts or "default-src 'none'") in policy
        assert policy.count("script-src") == (1 if scripts else 0)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text


def test_the_html_of_a_mail_may_run_load_and_submit_nothing(mail: Mail, web: httpx.Client) -> None:
    send(mail, HOSTILE)
    (message,) = web.get("/api/messages").json()
    shown = web.get(f"/messages/{message['id']}/html")
    assert "https://acme.test/c/token" in shown.text
    policy = shown.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "sandbox "):
        assert rule in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    source = web.get(f"/messages/{message['id']}/raw")
    assert source.headers["Content-Type"].startswith("text/plain")
    assert source.headers["X-Content-Type-Options"] == "nosniff"
    assert source.content.replace(b"\r\n", b"\n") == HOSTILE.replace(b"\r\n", b"\n")


def test_a_page_elsewhere_cannot_read_it_under_its_own_name(web: httpx.Client) -> None:
    assert web.get("/api/messages", headers={"Host": "evil.test"}).status_code == 400
    assert "access-control-allow-origin" not in web.get("/api/messages").headers


def test_an_unknown_message_is_not_found(web: httpx.Client) -> None:
    for name in ("1", "..%2Fsecrets.json", "x"):
        assert web.get(f"/messages/{name}").status_code == 404
        assert web.get(f"/messages/{name}/raw").status_code == 404
