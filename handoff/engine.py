"""Temporal: how to connect, what things are called there, and what a namespace needs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.envconfig import ClientConfig
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from handoff.codec import Public, data_converter
from handoff.keyring import IN_THE_CLEAR, KeyRing

RETENTION = timedelta(days=30)
"""How long Temporal keeps a closed handoff's history. PostgreSQL keeps the record for longer."""

KNOWN_WITHIN = 30.0

ACCOUNT = SearchAttributeKey.for_keyword("HandoffAccount")
STATUS = SearchAttributeKey.for_keyword("HandoffStatus")
PRIORITY = SearchAttributeKey.for_keyword("HandoffPriority")
ROUND = SearchAttributeKey.for_int("HandoffRound")
CLAIMED_BY = SearchAttributeKey.for_keyword("HandoffClaimedBy")

_SEARCHED: dict[str, IndexedValueType.ValueType] = {
    ACCOUNT.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    STATUS.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    PRIORITY.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    ROUND.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    CLAIMED_BY.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
}

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def workflow_id(handoff_id: UUID) -> str:
    """One workflow per handoff."""
    return f"handoff-{handoff_id}"


def handoff_id(workflow_id: str) -> UUID | None:
    """The handoff whose workflow it is; None for a name that is none of ours."""
    with suppress(ValueError):
        return UUID(workflow_id.removeprefix("handoff-"))
    return None


def mail_queue(task_queue: str) -> str:
    """Mail has a queue of its own: a slow mail server holds up nothing else."""
    return f"{task_queue}-mail"


def public(text: str) -> Public:
    """Wording of our own that Temporal's UI shows to everybody. Never what a person typed."""
    return Public(text)


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
        name: kind for name, kind in _SEARCHED.items() if name not in listed.custom_attributes
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


async def last_polled(client: Client, task_queue: str) -> datetime | None:
    """When a worker last asked for a handoff's work; None when none ever did."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    found = await client.workflow_service.describe_task_queue(request)
    times = [poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in found.pollers]
    return max(times, default=None)
