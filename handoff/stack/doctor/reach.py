"""Whether each dependency answers, asked in the way that the application talks to it."""

import asyncio
import smtplib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from handoff.addresses import SmtpAddress
from handoff.bucket import Bucket, BucketPlace
from handoff.database import schema
from handoff.database.opening import TENANT, Opening
from handoff.database.outages import Unusable, cause
from handoff.errors import FilesUnreachable
from handoff.stack.doctor.checkup import Diagnosis
from handoff.temporal.connect import connect

_WITHIN = 5.0
_CLOCKS_AGREE = 5.0
_OLDEST_POSTGRESQL = 14
_UNREACHABLE = 3

Check = Callable[[], Awaitable[list[Diagnosis]]]


def ask_postgresql(url: str) -> list[Diagnosis]:
    plain = url.replace("postgresql+asyncpg://", "postgresql://", 1)

    async def ask() -> list[Diagnosis]:
        connection = await Opening()(plain, timeout=_WITHIN)
        try:
            version = connection.get_server_version().major
            away = await connection.fetchval("SELECT clock_timestamp()") - datetime.now(UTC)
        finally:
            await connection.close()
        return [
            _version(version, pooled=not connection.is_direct),
            _clock(abs(away.total_seconds())),
            *await _record(plain),
        ]

    return _answered("postgresql", ask, mend="is the server up, and HANDOFF_DATABASE_URL right?")


def ask_redis(url: str) -> list[Diagnosis]:
    async def ask() -> list[Diagnosis]:
        async with Redis.from_url(url) as client:
            await client.get("handoff:doctor")
        return [Diagnosis("redis", "answers")]

    return _answered("redis", ask, mend="is the server up, and HANDOFF_REDIS_URL right?")


def ask_temporal(address: str, namespace: str | None) -> list[Diagnosis]:
    async def ask() -> list[Diagnosis]:
        options: dict[str, Any] = {"namespace": namespace} if namespace else {}
        client = await connect(lazy=False, target_host=address, **options)
        await client.service_client.check_health()
        return [Diagnosis("temporal", "answers")]

    return _answered("temporal", ask, mend="is the server up, and TEMPORAL_ADDRESS right?")


def ask_smtp(url: str) -> list[Diagnosis]:
    async def ask() -> list[Diagnosis]:
        address = SmtpAddress(url)
        kind = smtplib.SMTP_SSL if address.tls == "implicit" else smtplib.SMTP
        with kind(address.host, address.port, timeout=_WITHIN) as connection:
            code, _ = connection.ehlo()
        return [Diagnosis("smtp", f"answers EHLO with {code}")]

    return _answered("smtp", ask, mend="is the server up, and HANDOFF_SMTP_URL right?")


def ask_bucket(url: str) -> list[Diagnosis]:
    async def ask() -> list[Diagnosis]:
        place = BucketPlace(url)
        try:
            await Bucket(place.bucket_name).page(place.key("doctor"))
        except FilesUnreachable as fault:
            mend = "are HANDOFF_FILES_URL and the AWS_… variables right, and is it up?"
            return [Diagnosis("bucket", fault.cause, _UNREACHABLE, mend)]
        return [Diagnosis("bucket", "answers")]

    return _answered("bucket", ask, mend="must look like s3://bucket or s3://bucket/prefix")


def _answered(what: str, ask: Check, *, mend: str) -> list[Diagnosis]:
    async def bounded() -> list[Diagnosis]:
        async with asyncio.timeout(_WITHIN * 2):
            return await ask()

    try:
        return asyncio.run(bounded())
    except Exception as fault:
        # Never its whole text: that of some of them holds the address with its password.
        return [Diagnosis(what, f"does not answer ({cause(fault)})", _UNREACHABLE, mend)]


def _version(major: int, *, pooled: bool) -> Diagnosis:
    if major < _OLDEST_POSTGRESQL:
        return Diagnosis("postgresql", f"version {major}", 1, "14 is the oldest that will do")
    way = ", through a pooler" if pooled else ""
    return Diagnosis("postgresql", f"answers, version {major}{way}")


async def _record(url: str) -> list[Diagnosis]:
    """Whether a transaction confines whoever asks within it, and finds what it needs."""
    try:
        connection = await Opening(role=TENANT)(url, timeout=_WITHIN)
    except Unusable as fault:
        return [Diagnosis("accounts apart", str(fault), 1)]
    await connection.close()
    return [
        Diagnosis("accounts apart", "PostgreSQL itself sees to it"),
        _migrations(await schema.is_current(_dsn(url))),
    ]


def _clock(away: float) -> Diagnosis:
    if away > _CLOCKS_AGREE:
        return Diagnosis("clock", f"{away:.0f} s from PostgreSQL's", 1, "set both by NTP")
    return Diagnosis("clock", "agrees with PostgreSQL's")


def _migrations(current: bool) -> Diagnosis:
    if not current:
        return Diagnosis("migrations", "not all have run", 1, "handoff migrate")
    return Diagnosis("migrations", "all have run")


def _dsn(url: str) -> str:
    return f"postgresql+asyncpg://{url.partition('://')[2]}"
