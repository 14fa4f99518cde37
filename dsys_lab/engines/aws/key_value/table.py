"""What each verb becomes in DynamoDB's API, and what its answers mean in the model's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.key_value.expressions import Expressions, to_wire
from dsys_lab.engines.aws.key_value.units import price_by_model
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned import (
    CheckItem,
    Condition,
    ConditionFailed,
    DeleteItem,
    GlobalIndex,
    KeySchema,
    LocalIndex,
    Page,
    PutItem,
    Range,
    Read,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    Update,
    UpdateItem,
    Written,
)
from dsys_lab.stores.key_value.partitioned.change_stream import Change
from dsys_lab.stores.key_value.partitioned.item_codec import read_item
from dsys_lab.stores.key_value.partitioned.items import Item, Value, size_bytes
from dsys_lab.stores.key_value.partitioned.queries import EVERYTHING
from dsys_lab.stores.key_value.partitioned.transactions import Action

PAGE_RECORDS: Final = 1_000
"""As many changes as one call may return."""
THROTTLED: Final = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")


@dataclass(frozen=True, slots=True)
class DynamoStatus:
    """A table as DynamoDB tells it: its state, its items and their bytes."""

    state: str
    items: int
    size_bytes: int


class DynamoTable:
    """A table of DynamoDB with the verbs of the model.

    Use it in a `with` block, which removes it.

    Parameters
    ----------
    keys : KeySchema
    local_indexes, global_indexes : tuple
        As in the model's settings; rates, delays and partitions are DynamoDB's own.
    over : Connection, optional
        Another connection than the one that this process shares.

    Examples
    --------
    >>> with DynamoTable(KeySchema("person")) as table:  # doctest: +SKIP
    ...     table.put({"person": "17", "minutes": 435})
    ...     table.get({"person": "17"}, strong=True).item["minutes"]
    435
    """

    def __init__(
        self,
        keys: KeySchema,
        *,
        local_indexes: tuple[LocalIndex, ...] = (),
        global_indexes: tuple[GlobalIndex, ...] = (),
        over: Connection | None = None,
    ) -> None:
        self.keys = keys
        self._aws = over or connection()
        if not self._aws.is_real:
            price_by_model(self._aws.client("dynamodb"))
        self._schemas = {index.name: index.schema(keys) for index in local_indexes}
        self._schemas |= {index.name: index.keys for index in global_indexes}
        self.name = self._aws.new_name()
        self._create(local_indexes, global_indexes)

    @property
    def engine(self) -> str:
        """Who answers."""
        return self._aws.engine

    # ------------------------------------------------------------ write path
    def put(self, item: Item, *, condition: Condition | None = None) -> Written:
        """Let `item` be the item at its key."""
        told = self._conditional("put_item", condition, Item=to_wire(item), ReturnValues="ALL_OLD")
        return Written(_item(told.get("Attributes")), dict(item), _units(told))

    def update(self, key: Item, change: Update, *, condition: Condition | None = None) -> Written:
        """Change some attributes of the item at `key`; the item as it was before is not told (`old` is None)."""
        spelled = Expressions()
        text = spelled.update(change)
        told = self._conditional(
            "update_item", condition, spelled, Key=to_wire(key), UpdateExpression=text, ReturnValues="ALL_NEW"
        )
        return Written(None, _item(told.get("Attributes")), _units(told))

    def delete(self, key: Item, *, condition: Condition | None = None) -> Written:
        """Let there be no item at `key`."""
        told = self._conditional("delete_item", condition, Key=to_wire(key), ReturnValues="ALL_OLD")
        return Written(_item(told.get("Attributes")), None, _units(told))

    def _conditional(
        self, operation: str, condition: Condition | None, spelled: Expressions | None = None, **given: Any
    ) -> dict[str, Any]:
        spelled = spelled or Expressions()
        if condition is not None:
            given["ConditionExpression"] = spelled.condition(condition)
        return self._call(operation, **given, **spelled.given, ReturnConsumedCapacity="TOTAL")

    def write_together(self, actions: Sequence[Action], *, token: str | None = None) -> float:
        """Do all actions, or none; return the units."""
        given: dict[str, Any] = {} if token is None else {"ClientRequestToken": token}
        items = [self._action(action) for action in actions]
        return _units(self._ask("transact_write_items", TransactItems=items, ReturnConsumedCapacity="TOTAL", **given))

    def _action(self, action: Action) -> dict[str, Any]:
        spelled = Expressions()
        given: dict[str, Any] = {"TableName": self.name}
        match action:
            case PutItem(item):
                word, given["Item"] = "Put", to_wire(item)
            case UpdateItem(key, change):
                word, given["Key"], given["UpdateExpression"] = "Update", to_wire(key), spelled.update(change)
            case DeleteItem(key):
                word, given["Key"] = "Delete", to_wire(key)
            case CheckItem(key):
                word, given["Key"] = "ConditionCheck", to_wire(key)
        if action.condition is not None:
            given["ConditionExpression"] = spelled.condition(action.condition)
        return {word: {**given, **spelled.given}}

    # ------------------------------------------------------------ read path
    def get(self, key: Item, *, strong: bool = False) -> Read:
        """Return the item at `key`."""
        told = self._call("get_item", Key=to_wire(key), ConsistentRead=strong, ReturnConsumedCapacity="TOTAL")
        return Read(_item(told.get("Item")), _units(told))

    def read_together(self, keys: Sequence[Item]) -> list[Read]:
        """Return several items as they are at one moment; each with an even part of the units."""
        asked = [{"Get": {"TableName": self.name, "Key": to_wire(key)}} for key in keys]
        told = self._ask("transact_get_items", TransactItems=asked, ReturnConsumedCapacity="TOTAL")
        return [Read(_item(one.get("Item")), _units(told) / len(keys)) for one in told["Responses"]]

    def query(
        self,
        partition: Value,
        within: Range = EVERYTHING,
        *,
        index: str | None = None,
        filtered: Condition | None = None,
        strong: bool = False,
        descending: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of the items with one partition key."""
        if index is not None and index not in self._schemas:
            raise BadParameter(f"index = {index!r}: the table has {', '.join(self._schemas) or 'none'}")
        spelled = Expressions()
        keys = self._schemas[index] if index is not None else self.keys
        text = spelled.key_condition(keys, partition, within)
        given = {} if index is None else {"IndexName": index}
        return self._page(
            "query", spelled, filtered, limit=limit, start=start, KeyConditionExpression=text, ConsistentRead=strong,
            ScanIndexForward=not descending, **given,
        )  # fmt: skip

    def scan(
        self,
        *,
        filtered: Condition | None = None,
        strong: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of everything."""
        return self._page("scan", Expressions(), filtered, limit=limit, start=start, ConsistentRead=strong)

    def _page(
        self,
        operation: str,
        spelled: Expressions,
        filtered: Condition | None,
        *,
        limit: int | None,
        start: object,
        **given: Any,
    ) -> Page:
        """Ask for a page; what a filter took out of it is asked for once more, for its price."""
        if limit is not None:
            given["Limit"] = limit
        if start is not None:
            given["ExclusiveStartKey"] = start
        whole = self._call(operation, **given, **spelled.given, ReturnConsumedCapacity="TOTAL")
        told = whole
        if filtered is not None:
            text = spelled.condition(filtered)
            told = self._call(operation, **given, FilterExpression=text, **spelled.given)
        items = tuple(read_item(item) for item in told["Items"])
        size = sum(size_bytes(read_item(item)) for item in whole["Items"])
        return Page(items, told["ScannedCount"], size, _units(whole), told.get("LastEvaluatedKey"))

    def changes(self, *, after: int = -1, limit: int = 100) -> list[Change]:
        """Return up to `limit` changes after number `after`, of all shards of the table's stream."""
        arn = self._aws.call("dynamodb", "describe_table", TableName=self.name)["Table"]["LatestStreamArn"]
        found = (record for shard in self._shards(arn) for record in self._records(arn, shard))
        return [_change(number, record) for number, record in islice(enumerate(found), after + 1, after + 1 + limit)]

    def _shards(self, arn: str) -> Iterator[str]:
        """Give the shards of a stream, page by page."""
        given: dict[str, str] = {"StreamArn": arn}
        while True:
            told = self._streams("describe_stream", **given)["StreamDescription"]
            yield from (shard["ShardId"] for shard in told["Shards"])
            if not told.get("LastEvaluatedShardId"):
                return
            given["ExclusiveStartShardId"] = told["LastEvaluatedShardId"]

    def _records(self, arn: str, shard: str) -> Iterator[dict[str, Any]]:
        """Give what a shard holds, page by page, up to a page without anything."""
        told = self._streams("get_shard_iterator", StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        following = told["ShardIterator"]
        while following:
            told = self._streams("get_records", ShardIterator=following, Limit=PAGE_RECORDS)
            yield from told["Records"]
            following = told.get("NextShardIterator") if told["Records"] else None

    def status(self) -> DynamoStatus:
        """Return what the service says of the table; a real one counts anew every six hours only."""
        told = self._call("describe_table")["Table"]
        return DynamoStatus(told["TableStatus"], told["ItemCount"], told["TableSizeBytes"])

    def _streams(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._aws.call("dynamodbstreams", operation, **given)

    # ------------------------------------------------------------ the wire
    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._ask(operation, TableName=self.name, **given)

    def _ask(self, operation: str, **given: Any) -> dict[str, Any]:
        try:
            return self._aws.call("dynamodb", operation, **given)
        except Refused as error:
            raise _in_our_words(error) from error

    def _create(self, local: tuple[LocalIndex, ...], over_all: tuple[GlobalIndex, ...]) -> None:
        kinds = dict(self.keys.kinds)
        for schema in self._schemas.values():
            kinds |= schema.kinds
        given: dict[str, Any] = {}
        if local:
            given["LocalSecondaryIndexes"] = [_index(index.name, index.schema(self.keys), None) for index in local]
        if over_all:
            given["GlobalSecondaryIndexes"] = [_index(index.name, index.keys, index.include) for index in over_all]
        self._aws.call(
            "dynamodb", "create_table", TableName=self.name, KeySchema=_key_schema(self.keys),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
            BillingMode="PAY_PER_REQUEST", Tags=[{"Key": k, "Value": v} for k, v in self._aws.tags.items()],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, **given,
        )  # fmt: skip
        self._aws.made(self.name, lambda: self._aws.call("dynamodb", "delete_table", TableName=self.name))
        self._aws.client("dynamodb").get_waiter("table_exists").wait(TableName=self.name, WaiterConfig={"Delay": 2})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._aws.remove(self.name)


def _in_our_words(error: Refused) -> Refused | BadParameter:
    """Return the model's error for what the service said."""
    told = getattr(error.__cause__, "response", {})
    code = told.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(str(error))
    if code == "TransactionCanceledException":
        reasons = tuple(reason.get("Code", "None") for reason in told.get("CancellationReasons", []))
        return TransactionCanceled(str(error), reasons)
    if code == "TransactionConflictException":
        return TransactionConflict(str(error))
    if code in THROTTLED:
        whys = [reason.get("reason", code) for reason in told.get("ThrottlingReasons", [])]
        return Throttled(str(error), whys[0] if whys else code)
    if code in {"ValidationException", "IdempotentParameterMismatchException"}:
        return BadParameter(str(error))
    return error


def _key_schema(keys: KeySchema) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys.names, kinds, strict=False)]


def _index(name: str, keys: KeySchema, include: tuple[str, ...] | None) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": "ALL"}
    if include is not None:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(include)}
        if not include:
            projection = {"ProjectionType": "KEYS_ONLY"}
    return {"IndexName": name, "KeySchema": _key_schema(keys), "Projection": projection}


def _item(wire: dict[str, Any] | None) -> dict[str, Value] | None:
    return None if wire is None else read_item(wire)


def _units(told: dict[str, Any]) -> float:
    consumed = told.get("ConsumedCapacity", {})
    if isinstance(consumed, list):
        return sum(one["CapacityUnits"] for one in consumed)
    return float(consumed.get("CapacityUnits", 0.0))


def _change(number: int, record: dict[str, Any]) -> Change:
    told = record["dynamodb"]
    at_us = int(told["ApproximateCreationDateTime"].timestamp() * 1e6)
    key = read_item(told["Keys"])
    return Change(number, at_us, record["eventName"], key, _item(told.get("OldImage")), _item(told.get("NewImage")))
