"""Programs: what their bearer tokens look like, and whom they prove.

`hnd_<prefix>_<secret>`: the prefix finds the row, the SHA-256 of the whole proves it. The secret
has 256 bits, so a slow hash would protect nothing.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from api.identity.scopes import needed
from api.services import Services
from handoff.contract.people import Actor
from handoff.contract.words import TokenScope
from handoff.database.directory import token_holders
from handoff.errors import Forbidden, Unauthenticated

MARK = "hnd_"
"""Makes a lost token easy to find for whoever scans for secrets."""

_FORM = re.compile(r"hnd_([0-9a-f]{12})_[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A token as its program gets it, and what we keep of it."""

    token: str = field(repr=False)
    prefix: str

    @property
    def digest(self) -> bytes:
        """What proves it."""
        return _digest(self.token)


def new_secret() -> NewSecret:
    """A token that nobody can guess."""
    prefix = secrets.token_hex(6)
    return NewSecret(f"{MARK}{prefix}_{secrets.token_hex(32)}", prefix)


async def prove(
    parts: Services, token: str, *, peer: str | None
) -> tuple[Actor, frozenset[TokenScope]]:
    """The living user whom the token acts as, and what it may do. `peer`: where it comes from.

    Raises:
        Unauthenticated: it proves nothing (any more).
        Forbidden: its person has not agreed to it.
        TooMany: its user, or strangers from there, have asked for too much; nobody was looked up.
    """
    form = _FORM.fullmatch(token)
    if form is None:
        raise Unauthenticated("The bearer token is not valid here.")
    digest = _digest(token)
    known = parts.proven.holder(digest)
    # Only a look at the record tells an invented token from one that is new to this process.
    if known is None:
        parts.limits.stranger(peer)
    else:
        parts.limits.named(known)
    async with parts.database.glance() as connection:
        holder = await token_holders.find_holder(connection, form[1])
    if holder is None or not hmac.compare_digest(holder.digest, digest):
        parts.proven.forget(digest)
        raise Unauthenticated("The bearer token is not valid here.")
    parts.proven.remember(digest, holder.actor.id)
    if not holder.is_agreed:
        raise Forbidden(
            f"{holder.actor.name} has not agreed to this token yet. They see it at /me/api-tokens."
        )
    if holder.is_stale and holder.actor.token_id is not None:
        async with parts.database.account(holder.actor.account_id) as tenant:
            await token_holders.touch(tenant, holder.actor.token_id)
    return holder.actor, holder.scopes


def must_be_open(request: HTTPConnection, scopes: frozenset[TokenScope]) -> None:
    """Raises `Forbidden` unless one of the scopes opens what is asked for."""
    scope = needed(_operation(request))
    if scope is None:
        raise Forbidden("No API token can do this. It takes a person.")
    if scope not in scopes:
        raise Forbidden(f"This API token does not have the scope {scope.value}.")


def _operation(request: HTTPConnection) -> str:
    route = request.scope.get("route")
    named = getattr(route, "operation_id", None) or getattr(route, "name", None)
    return str(named)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
