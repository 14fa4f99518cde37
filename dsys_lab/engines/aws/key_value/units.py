"""What did a call to DynamoDB cost, when the one who answers does not know?

moto answers every `ReturnConsumedCapacity` with a constant: 1.0 for a put of 3,000 bytes, where DynamoDB takes 3. So
the model's own arithmetic (`partitioned.capacity`) prices what was sent and what came back, in a hook that botocore
calls after each call, and its answer says by whom it is: `{"CapacityUnits": 3.0, "By": "model"}`. With a real account
the hook keeps out, and the units are DynamoDB's.

Priced is the item; entries in local indexes and the size before an `UpdateItem` are not told by the answer, so a real
bill can be higher.

Sources: botocore, "Extensibility guide" (event names).
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.stores.key_value.partitioned.capacity import query_units, read_units, write_units
from dsys_lab.stores.key_value.partitioned.item_codec import read_item
from dsys_lab.stores.key_value.partitioned.items import size_bytes

MODEL: Final = "model"


def price_by_model(client: Any) -> None:
    """Let a client of DynamoDB price its calls by the model."""
    client.meta.events.register("before-parameter-build.dynamodb", _remember, unique_id="dsys_lab-remember")
    client.meta.events.register("after-call.dynamodb", _price, unique_id="dsys_lab-price")


def _remember(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
    context["dsys_lab"] = dict(params)


def _price(http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
    if http_response.status_code >= 300:
        return
    units = units_of(model.name, context.get("dsys_lab", {}), parsed)
    if units is not None:
        parsed["ConsumedCapacity"] = {"CapacityUnits": units, "By": MODEL}


def units_of(operation: str, given: dict[str, Any], answer: dict[str, Any]) -> float | None:
    """Return the units of a call by what was given and what was answered; None if it costs none."""
    consistency = "strong" if given.get("ConsistentRead") else "eventual"
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            return write_units(_bytes(answer.get("Attributes")), _bytes(given.get("Item")))
        case "GetItem":
            return read_units(_bytes(answer.get("Item")), consistency=consistency)
        case "Query" | "Scan":
            return query_units(map(_bytes, answer.get("Items", [])), consistency=consistency)
        case "TransactWriteItems":
            items = [next(iter(action.values())).get("Item") for action in given["TransactItems"]]
            return sum(write_units(0, _bytes(item), transactional=True) for item in items)
        case "TransactGetItems":
            found = [told.get("Item") for told in answer.get("Responses", [])]
            return sum(read_units(_bytes(item), consistency="transactional") for item in found)
    return None


def _bytes(wire: dict[str, Any] | None) -> int:
    return size_bytes(read_item(wire)) if wire else 0
