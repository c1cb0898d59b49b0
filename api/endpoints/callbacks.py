"""A callback that comes with a new handoff: its host must be one that the account has named, and
from here on it is sealed."""

import json
from urllib.parse import urlsplit
from uuid import UUID

from api.schemas.handoffs import CallbackBody
from api.services import Services
from handoff.contract.messages import SealedCallback
from handoff.contract.people import Actor
from handoff.database.directory import account
from handoff.errors import CallbackHost
from handoff.keys import keyring_of
from handoff.program_addresses import is_among
from handoff.sealing import callback_purpose, seal


async def sealed(
    parts: Services, caller: Actor, handoff_id: UUID, wanted: CallbackBody | None, *, again: bool
) -> SealedCallback | None:
    """As it may be kept, and go through the engine.

    `again`: for a handoff that there is. Its host was one then, and is asked for when it is posted.

    Raises:
        CallbackHost: an admin has to name its host first.
    """
    if wanted is None:
        return None
    if not again:
        await _must_be_named(parts, caller, wanted.url)
    text = json.dumps({"url": wanted.url, "token": wanted.token})
    purpose = callback_purpose(handoff_id)
    return SealedCallback(
        urlsplit(wanted.url).netloc, seal(keyring_of(parts.settings), text, purpose=purpose)
    )


async def _must_be_named(parts: Services, caller: Actor, url: str) -> None:
    async with parts.database.account(caller.account_id) as tenant:
        hosts = await account.callback_hosts(tenant)
    if not is_among(url, hosts):
        fault = {"path": "body/callback/url", "message": "not a host of the account's"}
        raise CallbackHost(
            "Ask an admin to name this host under Settings → Account.",
            errors=[{**fault, "type": "callback_host"}],
        )
