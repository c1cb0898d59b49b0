"""A client of the engine, and what its namespace needs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from handoff.temporal.codec import data_converter
from handoff.temporal.key_ring import IN_THE_CLEAR, KeyRing
from handoff.temporal.search_attributes import SEARCHED

RETENTION = timedelta(days=30)
"""How long Temporal keeps a closed handoff's history. PostgreSQL keeps the record for longer."""

KNOWN_WITHIN = 30.0

UNANSWERED = (RPCError, RuntimeError, OSError)
"""What the engine makes its callers see while it is away: a client that is connected refuses the
call, one that cannot connect raises a `RuntimeError`. A `TimeoutError` is an `OSError`.
"""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


async def connect(*, keyring: KeyRing = IN_THE_CLEAR, lazy: bool = False, **options: Any) -> Client:
    """A client as the `TEMPORAL_*` variables say (temporalio's own envconfig reads them).

    Only looking at the engine's health needs no keys: what is sent in the clear, workers refuse.
    A lazy client connects at its first call, so that the API starts while the engine is down.
    """
    config: dict[str, Any] = {**ClientConfig.load_client_connect_config(), **options}
    target = str(config.setdefault("target_host", "127.0.0.1:7233"))
    if target.rpartition(":")[0] in _LOOPBACK:
        # On one machine, compressing costs more than it saves.
        config.setdefault("grpc_compression", GrpcCompression.NONE)
    namespace = config.setdefault("namespace", "default")
    config.setdefault("data_converter", data_converter(keyring, namespace))
    return await Client.connect(**config, lazy=lazy)


async def prepare_namespace(client: Client) -> None:
    """Makes the namespace, its retention and its search attributes, as far as they are missing.

    Where the rights for that are lacking, whoever runs the cluster has to do it.
    """
    try:
        await _ensure_namespace(client)
        await _once_known(client, _ensure_search_attributes)
    except RPCError as refused:
        if refused.status is not RPCStatusCode.PERMISSION_DENIED:
            raise


async def _ensure_namespace(client: Client) -> None:
    service = client.workflow_service
    wanted = Duration(seconds=int(RETENTION.total_seconds()))
    try:
        found = await service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as missing:
        if missing.status is not RPCStatusCode.NOT_FOUND:
            raise
        request = RegisterNamespaceRequest(
            namespace=client.namespace, workflow_execution_retention_period=wanted
        )
        await _unless_exists(service.register_namespace(request))
        return
    if found.config.workflow_execution_retention_ttl.seconds < wanted.seconds:
        update = UpdateNamespaceRequest(namespace=client.namespace)
        update.config.workflow_execution_retention_ttl.CopyFrom(wanted)
        await service.update_namespace(update)


async def _once_known(client: Client, act: Callable[[Client], Awaitable[None]]) -> None:
    """A new namespace becomes known to all parts of the cluster within seconds."""
    async with asyncio.timeout(KNOWN_WITHIN):
        while True:
            try:
                return await act(client)
            except RPCError as unknown:
                if unknown.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(0.1)


async def _ensure_search_attributes(client: Client) -> None:
    operator = client.operator_service
    listed = await operator.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: kind for name, kind in SEARCHED.items() if name not in listed.custom_attributes
    }
    if missing:
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        await _unless_exists(operator.add_search_attributes(request))


async def _unless_exists(call: Any) -> None:
    try:
        await call
    except RPCError as refused:
        if refused.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
