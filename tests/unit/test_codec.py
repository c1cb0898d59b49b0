"""The codec: what is encrypted, what it is bound to, and that decoding never raises."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError, FailureError

from handoff.temporal.codec import ENCODING, EncryptingCodec, Public, data_converter, is_readable
from handoff.temporal.key_ring import IN_THE_CLEAR, KeyRing

OLD, NEW = "old:" + "o" * 32, "new:" + "n" * 32
WORDS = "the customer's own words"


def converter(keys: str = OLD, *, workflow: str = "handoff-1", of: str = "desk") -> DataConverter:
    context = WorkflowSerializationContext(namespace=of, workflow_id=workflow)
    return data_converter(KeyRing.parse(keys), of).with_context(context)


async def sealed(value: Any = WORDS, **how: Any) -> Payload:
    return (await converter(**how).encode([value]))[0]


async def test_what_is_written_is_read_and_says_nothing() -> None:
    payload = await sealed({"notes": WORDS})
    assert payload.metadata["encoding"] == ENCODING
    assert WORDS.encode() not in payload.SerializeToString()
    assert await converter().decode([payload]) == [{"notes": WORDS}]


async def test_the_same_words_never_look_the_same() -> None:
    assert (await sealed()).data != (await sealed()).data


@pytest.mark.parametrize("keys", [f"{NEW},{OLD}", f"none,{OLD}", f"{OLD},{NEW}"])
async def test_any_key_of_the_ring_reads(keys: str) -> None:
    assert await converter(keys).decode([await sealed()]) == [WORDS]


async def test_the_first_key_writes() -> None:
    payload = await sealed(keys=f"{NEW},{OLD}")
    assert await converter(NEW).decode([payload]) == [WORDS]
    assert (await sealed(keys=f"none,{OLD}")).metadata["encoding"] == b"json/plain"


async def test_plain_text_is_read_only_where_the_ring_says_so() -> None:
    plain = (await DataConverter.default.encode([WORDS]))[0]
    assert await converter(f"{NEW},none").decode([plain]) == [WORDS]
    await is_refused(converter(NEW), plain)


async def is_refused(reader: DataConverter, payload: Payload) -> None:
    with pytest.raises(ApplicationError) as refused:
        await reader.decode([payload])
    assert (refused.value.type, refused.value.non_retryable) == ("ForeignPayload", True)


async def test_it_is_bound_to_its_workflow_and_namespace() -> None:
    payload = await sealed()
    await is_refused(converter(workflow="handoff-2"), payload)
    await is_refused(converter(of="elsewhere"), payload)
    payload.metadata["handoff-workflow"] = b"handoff-2"
    await is_refused(converter(workflow="handoff-2"), payload)


async def test_one_changed_byte_is_refused() -> None:
    payload = await sealed()
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    await is_refused(converter(), payload)


@pytest.mark.parametrize("keys", [NEW, "old:" + "x" * 32])
async def test_a_missing_key_is_an_error_that_passes(keys: str) -> None:
    """Whoever took a key away too early puts it back, and nothing has failed meanwhile."""
    with pytest.raises(LookupError, match="HANDOFF_PAYLOAD_KEYS"):
        await converter(keys).decode([await sealed()])


async def test_our_wording_stays_readable_and_is_never_believed() -> None:
    payload = await sealed(Public("record the escalation"))
    assert payload.data == b'"record the escalation"'
    await is_refused(converter(), payload)
    assert (await sealed("record the escalation")).metadata["encoding"] == ENCODING


async def test_failures_tell_nothing() -> None:
    failure = Failure()
    try:
        raise ApplicationError(WORDS, WORDS, type="MailDelayed")
    except ApplicationError as error:
        await converter().encode_failure(error, failure)
    assert WORDS.encode() not in failure.SerializeToString()
    assert b"test_codec" not in failure.SerializeToString()
    read = await converter().decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert (read.message, read.details, read.type) == (WORDS, (WORDS,), "MailDelayed")


@pytest.mark.parametrize("kind", ["application", "canceled", "timeout"])
async def test_details_that_are_not_ours_fail_nobody(kind: str) -> None:
    plain = (await DataConverter.default.encode(["the server's own words"]))[0]
    failure = Failure(message="told")
    info = getattr(failure, f"{kind}_failure_info")
    info.SetInParent()
    details = info.last_heartbeat_details if kind == "timeout" else info.details
    details.payloads.append(plain)
    read = await converter().decode_failure(failure)
    assert isinstance(read, FailureError)
    assert read.message == "told"


metadata = some.dictionaries(
    some.sampled_from(
        [
            "encoding",
            "handoff-key",
            "handoff-workflow",
            "messageType",
            "__temporal_external_storage_reference",
        ]
    ),
    some.one_of(
        some.binary(max_size=40),
        some.sampled_from(
            [ENCODING, b"json/plain", b"true", b"json/external-storage-reference", b"json/protobuf"]
        ),
    ),
)


@given(metadata=metadata, data=some.binary(max_size=100))
async def test_decoding_never_raises(metadata: dict[str, bytes], data: bytes) -> None:
    """What a signal brings is decoded before the workflow could decide not to read it."""
    payload = Payload(metadata=metadata, data=data)
    reader = converter()
    for read in (
        await reader._decode_reference_payload_sequence([payload]),
        await reader._external_retrieve_payload_sequence([payload]),
    ):
        assert read == [payload]
    [decoded] = await reader._decode_payload_sequence([payload])
    assert not is_readable(decoded)
    payloads = Payloads(payloads=[payload])
    await reader._transform_inbound_payloads(payloads)
    assert not is_readable(payloads.payloads[0])


async def test_without_keys_nothing_changes() -> None:
    plain = data_converter(IN_THE_CLEAR, "desk")
    assert await plain.encode([WORDS]) == await DataConverter.default.encode([WORDS])
    assert await plain.decode(await DataConverter.default.encode([WORDS])) == [WORDS]
    await plain.encode_failure(ApplicationError(WORDS), failure := Failure())
    assert failure.message == WORDS


def test_a_codec_without_a_workflow_reads_any_of_its_namespace() -> None:
    """As the endpoint for Temporal's UI does, which then asks whose the workflow is."""
    codec = EncryptingCodec(KeyRing.parse(OLD), "desk")
    [payload] = [codec._seal(Payload(data=b"1"))]
    assert codec._open(payload) == Payload(data=b"1")


@pytest.mark.parametrize(
    "text",
    ["", "short", "a:short", f"{OLD},", f"{OLD},{OLD}", "none,none", f"a b:{'x' * 32}", f"é{OLD}"],
)
def test_a_bad_ring_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"openssl|twice") as refused:
        KeyRing.parse(text)
    assert "o" * 32 not in str(refused.value)


def test_a_secret_needs_no_name() -> None:
    ring = KeyRing.parse("s" * 32)
    assert ring.writer is not None
    assert ring.writer.id.startswith("key-")
    assert "s" * 32 not in repr(ring)
