"""What Temporal stores of ours is encrypted here, and what is not ours is refused here.

Anybody who reaches Temporal can send a signal or start a workflow. So decoding never raises: what
cannot be believed becomes a payload that nothing reads, and only whoever wants its content fails.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, NoReturn, Self

from cryptography.exceptions import InvalidTag
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
)
from temporalio.exceptions import ApplicationError

from handoff.temporal.key_ring import KeyRing

ENCODING = b"binary/encrypted"
KEY_ID = "handoff-key"
BOUND_TO = "handoff-workflow"
PUBLIC = "handoff-public"

_NONCE_BYTES = 12
_REFUSED = b"handoff/refused"
_KEY_MISSING = b"handoff/key-missing"
_OWN_WORDS = b"temporal.api.sdk.v1.WorkflowMetadata"
"""The handlers' names and the current details: what Temporal's UI asks a workflow for."""


class Public(str):
    """Wording of our own for Temporal's UI, kept readable. Never anything that a person typed."""

    __slots__ = ()


class EncryptingCodec(PayloadCodec, WithSerializationContext):
    """AES-256-GCM, bound to the key, the namespace and the workflow that a payload is part of."""

    def __init__(self, keyring: KeyRing, namespace: str, bound_to: str | None = None) -> None:
        self._keyring = keyring
        self._namespace = namespace
        self._bound_to = bound_to

    def with_context(self, context: SerializationContext) -> Self:
        """The same for one workflow: a payload that was written in another one is refused."""
        bound_to = getattr(context, "workflow_id", None)
        return type(self)(self._keyring, self._namespace, bound_to)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypts all but our own wording for the UI."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypts what is ours; anything else becomes a payload that cannot be read."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        key = self._keyring.writer
        if key is None or PUBLIC in payload.metadata or _is_own_words(payload):
            return payload
        bound_to = (self._bound_to or "").encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        bound = self._bound_data(key.id.encode(), bound_to)
        sealed = key.cipher.encrypt(nonce, payload.SerializeToString(), bound)
        metadata = {"encoding": ENCODING, KEY_ID: key.id.encode(), BOUND_TO: bound_to}
        return Payload(metadata=metadata, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload if self._keyring.reads_plain else _unreadable(_REFUSED)
        key_id = payload.metadata.get(KEY_ID, b"")
        bound_to = payload.metadata.get(BOUND_TO, b"")
        key = self._keyring.readers.get(key_id.decode(errors="replace"))
        if key is None:
            return _unreadable(_KEY_MISSING)
        if self._bound_to is not None and bound_to != self._bound_to.encode():
            return _unreadable(_REFUSED)
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            opened = key.cipher.decrypt(nonce, sealed, self._bound_data(key_id, bound_to))
            return Payload.FromString(opened)
        except (InvalidTag, ValueError, DecodeError):
            return _unreadable(_REFUSED)

    def _bound_data(self, key_id: bytes, bound_to: bytes) -> bytes:
        parts = (b"handoff payload 1", key_id, self._namespace.encode(), bound_to)
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def is_readable(payload: Payload) -> bool:
    """Whether decoding it came to anything."""
    return payload.metadata.get("encoding") not in (_REFUSED, _KEY_MISSING)


def _unreadable(why: bytes) -> Payload:
    return Payload(metadata={"encoding": why})


def _is_own_words(payload: Payload) -> bool:
    return payload.metadata.get("messageType") == _OWN_WORDS


class _PublicText(EncodingPayloadConverter):
    """Marks our own wording, so that the codec leaves it readable. It is never read back."""

    encoding = "handoff/public"

    def to_payload(self, value: Any) -> Payload | None:
        """A JSON string for whoever shows it; None for every other value."""
        if not isinstance(value, Public):
            return None
        metadata = {"encoding": b"json/plain", PUBLIC: b"true"}
        return Payload(metadata=metadata, data=json.dumps(value).encode())

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        """Nothing bears this encoding but a forgery."""
        raise _foreign()


class _Refused(EncodingPayloadConverter):
    """What did not come from us fails whoever reads it, for good."""

    encoding = _REFUSED.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """Never written."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        """Typed, and not worth a retry."""
        raise _foreign()


class _KeyMissing(EncodingPayloadConverter):
    """A key that we lack may come back: whoever reads this waits, and is tried again."""

    encoding = _KEY_MISSING.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """Never written."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        """An error that makes the engine try again."""
        raise LookupError("encrypted with a key that is not in HANDOFF_PAYLOAD_KEYS")


def _foreign() -> ApplicationError:
    return ApplicationError(
        "This payload was not written by Handoff", type="ForeignPayload", non_retryable=True
    )


class HandoffPayloadConverter(CompositePayloadConverter):
    """Temporal's own conversions, and ours."""

    def __init__(self) -> None:
        ours = (_PublicText(), _Refused(), _KeyMissing())
        super().__init__(*ours, *DefaultPayloadConverter.default_encoding_payload_converters)


class _Converter(DataConverter):
    """Temporal's data converter, without its references to external storage.

    We store nothing there, but a forged signal can say so, and the SDK (1.35) then fails the
    whole workflow task, at every try. Without a meaning such a payload is merely foreign.
    """

    async def _decode_reference_payload_sequence(
        self, payloads: Sequence[Payload]
    ) -> list[Payload]:
        return list(payloads)

    async def _external_retrieve_payload_sequence(
        self, payloads: Sequence[Payload]
    ) -> list[Payload]:
        return list(payloads)

    async def _transform_inbound_payload(self, payload: Payload) -> Payload:
        return (await self._decode_payload_sequence([payload]))[0]

    async def _transform_inbound_payloads(self, payloads: Payloads) -> None:
        if self.payload_codec:
            await self.payload_codec.decode_wrapper(payloads)


class _Failures(DefaultFailureConverter):
    """Failures without the details that are not ours. The server gives some in plain text, such as
    those of an activity that was cancelled before it started; they must fail nobody."""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """As Temporal's own, of a copy that holds only what can be read."""
        ours = Failure()
        ours.CopyFrom(failure)
        for details in (
            ours.application_failure_info.details,
            ours.canceled_failure_info.details,
            ours.timeout_failure_info.last_heartbeat_details,
        ):
            if not all(is_readable(payload) for payload in details.payloads):
                details.Clear()
        return super().from_failure(ours, payload_converter)


class _EncodedFailures(_Failures):
    """The same, and what a failure says is encrypted, too."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)


def data_converter(keyring: KeyRing, namespace: str) -> DataConverter:
    """How a client, a worker or a replayer of this namespace reads and writes payloads."""
    return _Converter(
        payload_converter_class=HandoffPayloadConverter,
        payload_codec=EncryptingCodec(keyring, namespace),
        failure_converter_class=_EncodedFailures if keyring.writer else _Failures,
    )
