"""What each engine does otherwise than the model of a topic."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

CORE_NATS: Final = (
    Difference(
        "tries again while a subscriber is down", "core NATS: hands a message to whoever is connected, once",
        "who is down misses it: at most once", ("test_who_is_down_hears_it_later",),
    ),
    Difference(
        "filters by any attribute, or by the body", "core NATS: filters by the subject, words that the publisher chose",
        "one field of plain values can be said", ("test_a_filter_of_numbers",),
    ),
)  # fmt: skip
JETSTREAM: Final = (
    Difference(
        "filters by any attribute, or by the body", "JetStream: a consumer filters by the subject",
        "one field of plain values can be said", ("test_a_filter_of_numbers",),
    ),
    Difference(
        "a message that nobody hears is gone", "JetStream: the stream keeps it, as long as its limits say",
        "a consumer made later may begin at the first message", (),
    ),
)  # fmt: skip
SNS: Final = (
    Difference(
        "retries in four phases, dead letters for each subscription",
        "SNS by moto: hands on at once, and never tries again",
        "ask the model, or a real account, about retries", (),
    ),
    Difference(
        "an empty list of values is refused", "SNS by moto: takes it, and nothing matches",
        "AWS documents that it is refused", (),
    ),
    Difference(
        "every operator of the documented grammar",
        "SNS by moto: refuses `wildcard`, and takes `equals-ignore-case` in vain",
        "ask the model, or a real account", (),
    ),
    Difference(
        "order of publishing in each seat", "SNS and SQS by moto: a standard queue gives what it likes first",
        "compare what was heard as a set", (),
    ),
)  # fmt: skip
