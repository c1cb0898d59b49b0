"""Reading mail that was made to break its reader, and forgetting the oldest."""

import json
from pathlib import Path

import pytest

from handoff.stack.mail.message import CaughtMail, parse_message
from handoff.stack.mail.store import MailStore

ENVELOPE = {"received_at": "2026-01-01T00:00:00+00:00", "from": "a@x.test", "to": ["b@x.test"]}


def read(content: bytes) -> CaughtMail:
    message = parse_message("1", ENVELOPE, content)
    json.dumps(message.as_json(), ensure_ascii=False).encode()
    return message


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800 x", "? x"),
        (b"Content-Type: text/plain; charset=zlib\r\n\r\nx", "x"),
        (b"Content-Type: text/plain; charset*=x'y'%ff\r\n\r\nx", "x"),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!%", ""),
        ("h\xe9\r\n\r\n\xe9".encode("latin-1"), "h�\r\n\r\n�"),
    ],
)
def test_a_strange_body_is_read_as_far_as_it_goes(content: bytes, text: str) -> None:
    assert read(content).text == text


def test_parts_nested_without_end_leave_the_headers_readable() -> None:
    level = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    nested = b"".join(level % (depth, depth) for depth in range(3000))
    assert read(b"Subject: deep\r\n" + nested).subject == "deep"


def test_an_encoded_word_that_cannot_be_read_is_shown_as_it_came() -> None:
    assert read(b"Subject: =?bad?b?!!!?=\r\n\r\n").subject == "=?bad?b?!!!?="


def test_the_oldest_are_forgotten_first(tmp_path: Path) -> None:
    store = MailStore(tmp_path, most=3)
    names = [store.add("a@x.test", ["b@x.test"], b"Subject: x\r\n\r\n") for _ in range(5)]
    assert store.ids() == names[2:]
    assert MailStore(tmp_path).ids() == names[2:]


def test_no_more_bytes_are_kept_than_agreed_but_always_the_newest(tmp_path: Path) -> None:
    store = MailStore(tmp_path, most_bytes=1_000)
    for _ in range(3):
        newest = store.add("a@x.test", ["b@x.test"], b"x" * 5_000)
    assert store.ids() == [newest]
