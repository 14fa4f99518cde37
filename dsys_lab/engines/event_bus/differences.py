"""What each engine does otherwise than the model of a bus."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

SUBJECTS: Final = (
    Difference(
        "patterns over all that an event says", "core NATS: a subject, words that the publisher chose",
        "the source and the detail-type can be named, nothing else",
        ("test_a_pattern_looks_into_the_detail", "test_a_transformer_gives_another_shape"),
    ),
    Difference(
        "an entry that is no event fails alone", "core NATS takes any bytes",
        "whoever hears must look", ("test_a_bad_entry_fails_alone",),
    ),
    Difference(
        "archive and replay", "core NATS keeps nothing", "a JetStream stream would (lab 17)",
        ("test_an_archive_keeps_what_its_pattern_picks", "test_a_replay_hands_it_on_again",
         "test_a_replay_goes_to_the_chosen_rules_alone", "test_a_replay_is_shaped_as_well"),
    ),
)  # fmt: skip
EVENTBRIDGE: Final = (
    Difference(
        "retries by age and number, dead letters", "moto hands on at once; if the queue is gone, PutEvents fails",
        "ask the model, or a real account, about retries", (),
    ),
    Difference(
        "a replay goes to the chosen rules, of the chosen time", "moto replays all, to all rules",
        "ask the model, or a real account", ("test_a_replay_goes_to_the_chosen_rules_alone",),
    ),
    Difference(
        "a replayed event has its id and is shaped as new ones are", "moto gives it another id, and no shape",
        "look for a key in the detail", ("test_a_replay_is_shaped_as_well",),
    ),
    Difference(
        "a hole outside of quotes takes a text as JSON", "moto leaves the quotes out, and answers with an error",
        "in moto write them yourself", (),
    ),
    Difference(
        "a hole for what is missing is empty", "moto leaves the hole as it stands", "ask a real account", (),
    ),
    Difference(
        "a part of the event (InputPath), a constant (Input)", "moto hands on the whole", "use a transformer", (),
    ),
    Difference(
        "patterns look into lists of objects", "moto does not", "no such pattern matches there", (),
    ),
    Difference(
        "true is no number", "moto takes 1 and true for equal", "do not mix them in one field", (),
    ),
    Difference(
        "an empty list has no value", "moto says that it exists", "ask the model, or a real account", (),
    ),
    Difference(
        "an unknown operator is refused, with its path", "moto takes it, and whatever has the field matches",
        "AWS documents that it is refused", (),
    ),
    Difference(
        "five targets a rule", "moto takes more", "AWS documents five", (),
    ),
)  # fmt: skip
