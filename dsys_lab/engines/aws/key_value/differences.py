"""What DynamoDB's stand-in does otherwise than the model, and where DynamoDB itself stands."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

DYNAMODB: Final = (
    Difference(
        "units: counted from the bytes",
        "moto: a constant, 1.0 for a put of 3,000 bytes",
        "DynamoDB says 3.0. What is shown is priced by the model, in a hook after each call, and says so.",
    ),
    Difference(
        "Throttled: when the tokens are used up",
        "moto: never",
        "DynamoDB refuses with a reason. So hot keys and admission are shown by the model.",
    ),
    Difference(
        "eventual reads may miss the newest write",
        "moto: every read is strong",
        "DynamoDB: one of three replicas answers. So lag is shown by the model.",
    ),
    Difference(
        "a global index lags",
        "moto: it is there at once, with no capacity of its own",
        "DynamoDB: asynchronous, and its writes are refused when the index cannot follow.",
    ),
    Difference(
        "a transaction under a known token is done once",
        "moto: it is done again",
        "DynamoDB remembers it for ten minutes, and refuses other actions under it.",
        ("under_one_token_a_transaction_is_done_once", "other_actions_under_the_same_token_are_refused"),
    ),
    Difference(
        "a truth inside of a list is no number",
        "moto: [True] equals [1], as in Python",
        "DynamoDB: values of different types are not equal.",
        ("a_truth_inside_of_a_list_is_no_number",),
    ),
    Difference(
        "an item has up to 409,600 bytes",
        "moto: up to 405,000",
        "DynamoDB: 400 KB of 1,024 bytes.",
        ("the_largest_item_is_taken",),
    ),
    Difference(
        "update: says what was before",
        "`UpdateItem` returns either the old or the new item",
        "The new one is asked for; the larger of both is what DynamoDB prices.",
    ),
    Difference(
        "scan: a page stays within one partition",
        "moto: one page up to 1 MB",
        "DynamoDB goes on into the next partition.",
    ),
)
"""What moto does otherwise than the model, as a table."""
