"""What Temporal's list of workflows can be searched by: the state of the desk, never a text."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.common import SearchAttributeKey

ACCOUNT = SearchAttributeKey.for_keyword("HandoffAccount")


STATUS = SearchAttributeKey.for_keyword("HandoffStatus")


PRIORITY = SearchAttributeKey.for_keyword("HandoffPriority")


ROUND = SearchAttributeKey.for_int("HandoffRound")


CLAIMED_BY = SearchAttributeKey.for_keyword("HandoffClaimedBy")


SEARCHED: dict[str, IndexedValueType.ValueType] = {
    ACCOUNT.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    STATUS.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    PRIORITY.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    ROUND.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    CLAIMED_BY.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
}
