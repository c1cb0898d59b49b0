"""Files on a session: what is taken, what it is said to be, who may, and what it costs."""

from typing import Any

import httpx
import pytest

from tests.support.cast import BO, CHEN, VERA, Member
from tests.support.desk import Desk

MIB = 1024 * 1024
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000 01f15c489".replace(" ", "")
)
PLAIN = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"


def named(name: str) -> dict[str, str]:
    return {"Content-Disposition": name}


CALLED = named("attachment; filename*=UTF-8''a.log")


async def add(
    desk: Desk, who: Member, session_id: Any, content: Any = b"line\n", **headers: str
) -> httpx.Response:
    path = f"/ai-sessions/{session_id}/files"
    return await desk.http(who).post(path, content=content, headers=CALLED | headers)


async def added(desk: Desk, who: Member, session_id: Any, content: bytes = b"line\n") -> str:
    answer = await add(desk, who, session_id, content)
    assert answer.status_code == 201, answer.text
    return f"/ai-sessions/{session_id}/files/{answer.json()['id']}"


async def test_a_file_comes_back_as_it_was_sent(files_desk: Desk) -> None:
    desk = files_desk
    session_id = await desk.start_session()
    content = bytes(range(256)) * 3000
    answer = await desk.http(BO).post(
        f"/ai-sessions/{session_id}/files",
        content=content,
        headers=named("attachment; filename=\"x\"; filename*=UTF-8''%E2%82%AC%20rates.bin")
        | {"Content-Type": "text/html"},
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert set(told) == {"id", "name", "size", "media_type", "created_at", "by"}
    assert (told["name"], told["size"], told["media_type"]) == ("€ rates.bin", len(content), BYTES)
    assert told["by"] == {"id": str(BO.id), "name": "Bo"}
    listed = await desk.http(VERA).get(f"/ai-sessions/{session_id}/files")
    assert listed.json() == [told]
    got = await desk.http(VERA).get(answer.headers["Location"])
    assert got.content == content
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''%E2%82%AC%20rates.bin"
    )
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"].startswith("sandbox")
    known = await desk.http(BO).get(
        answer.headers["Location"], headers={"If-None-Match": got.headers["etag"]}
    )
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=262143-262144", 206, 262143, 262145),
        ("bytes=5-", 206, 5, 600_000),
        ("bytes=-7", 206, 599_993, 600_000),
        ("bytes=-900000", 206, 0, 600_000),
        ("bytes=599999-999999", 206, 599_999, 600_000),
        ("bytes=600000-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=0-1,5-6", 200, 0, 600_000),
        ("bytes=7-5", 200, 0, 600_000),
        ("bytes=-", 200, 0, 600_000),
        ("lines=1-2", 200, 0, 600_000),
        ("bytes=" + "9" * 40 + "-", 200, 0, 600_000),
    ],
)
async def test_a_part_of_it(
    files_desk: Desk, asked: str, status: int, begin: int, end: int
) -> None:
    content = (b"0123456789" * 60_000)[:600_000]
    path = await added(files_desk, BO, await files_desk.start_session(), content)
    got = await files_desk.http(CHEN).get(path, headers={"Range": asked})
    assert got.status_code == status
    if status == 416:
        assert got.headers["content-range"] == "bytes */600000"
        assert got.json()["type"] == "/problems/range-not-satisfiable"
        return
    assert got.content == content[begin:end]
    if status == 206:
        assert got.headers["content-range"] == f"bytes {begin}-{end - 1}/600000"
        other = {"Range": asked, "If-Range": '"another"'}
        assert (await files_desk.http(CHEN).get(path, headers=other)).status_code == 200


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.log"', "a.log"),
        ("attachment; filename*=UTF-8''a%0D%0ASet-Cookie:%20x.txt", "aSet-Cookie: x.txt"),
        ("attachment; filename*=UTF-8''invoice%E2%80%AEgnp.exe", "invoicegnp.exe"),
        ("attachment; filename*=UTF-8''a%00.png", "a.png"),
        ("attachment; FileName*=utf-8'de'%C3%BCber.txt", "über.txt"),
        ("attachment; filename*=ISO-8859-1''%FCber.txt", "über.txt"),
        ('attachment; filename="semi;colon.txt"', "semi;colon.txt"),
        ('attachment; filename="über.txt"', "über.txt"),
        ("inline; filename=plain.txt", "plain.txt"),
        ("attachment; filename*=UTF-8''" + "a" * 255, "a" * 255),
        (None, None),
        ("attachment", None),
        ('attachment; filename=""', None),
        ('attachment; filename=".."', None),
        ("attachment; filename*=UTF-8''%2F", None),
        ("attachment; filename*=UTF-8''%0D%0A", None),
        ("attachment; filename*=UTF-8''%FF%FE", None),
        ("attachment; filename*=utf-7''+AGE-", None),
        ("attachment; filename*=UTF-8''" + "a" * 256, None),
        ("attachment; filename=" + "a" * 5000, None),
    ],
)
async def test_what_it_is_called(
    front_desk: Desk, disposition: str | None, name: str | None
) -> None:
    path = f"/ai-sessions/{await front_desk.start_session()}/files"
    headers = [] if disposition is None else [(b"Content-Disposition", disposition.encode())]
    answer = await front_desk.http(BO).post(path, content=b"x", headers=headers)
    if name is None:
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["path"] == "header/Content-Disposition"
        assert (await front_desk.http(BO).get(path)).json() == []
    else:
        assert (answer.status_code, answer.json()["name"]) == (201, name)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"<!doctype html><script>alert(1)</script>", PLAIN),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', PLAIN),
        (b"GIF89a/*<script>*/=1;alert(1)", PLAIN),
        ("Grüße, \x1b[31mred\x1b[0m\n".encode(), PLAIN),
        (b"\xff\xfea\x00b\x00", "text/plain; charset=utf-16le"),
        (b"a\x00b", BYTES),
        (b"<html>\xff\xfe</html>", BYTES),
        (b"text that ends in half a letter \xc3", BYTES),
        (PNG, "image/png"),
        (PNG + b"<html><script>alert(1)</script>", "image/png"),
        (b"<html><script>alert(1)</script>" + PNG, BYTES),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 20 + b"PK\x03\x04", "image/jpeg"),
        (b"%PDF-1.7\n<script>alert(1)</script>PK\x03\x04\x00", "application/pdf"),
        (b"\x89PNG\r\n<svg onload=alert(1)>", BYTES),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg onload='alert(1)'/>", PLAIN),
        (b"\xfe\xff\x00<\x00s\x00v\x00g", "text/plain; charset=utf-16be"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 20, "image/jpeg"),
        (b"GIF89a\x01\x00\x01\x00\x80\x00\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 \x00\x01", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WXYZ\x00\x01", BYTES),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (b"PK\x03\x04" + b"\x00" * 30, "application/zip"),
        (b"MZ\x90\x00\x03\x00\x00\x00", BYTES),
        (b"\x00" * 300, BYTES),
    ],
)
async def test_what_it_is_its_bytes_say(front_desk: Desk, content: bytes, media_type: str) -> None:
    path = await added(front_desk, BO, await front_desk.start_session(), content)
    got = await front_desk.http(BO).get(path)
    assert got.headers["content-type"] == media_type
    assert got.headers["content-disposition"].startswith("attachment")
