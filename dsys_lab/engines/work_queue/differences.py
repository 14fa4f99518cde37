"""What JetStream and SQS do otherwise than the model, row by row: *model | engine | difference*.

The notebook shows these tables, the conformance suite skips by them, and for each row a test proves that it is so.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

JETSTREAM: Final = (
    Difference(
        "acknowledge: only the newest handle counts",
        "any handle ever given out acknowledges",
        "The slow worker whose loan is over ends the loan of the one who has the message now. It does less work than "
        'SQS (compare `handles="any"` in the model), and promises less.',
        ("an_old_handle_changes_nothing",),
    ),
    Difference(
        "nack, extend: only for who has the message",
        "`-NAK` and `+WPI` with an old handle act on the loan of another",
        "A late `-NAK` shows a message to all while somebody works on it.",
        ("an_old_handle_does_not_hand_back",),
    ),
    Difference(
        "FIFO: an acknowledgement after the loan counts no more",
        "it counts",
        "As above: JetStream has one rule for all.",
        ("fifo_takes_no_acknowledgement_after_the_loan",),
    ),
    Difference(
        "extend, receive: for as long as you say",
        "for the consumer's `ack_wait`, begun anew",
        "Give that time; any other is refused here.",
        ("a_loan_may_be_as_long_as_you_say",),
    ),
    Difference(
        "dead letters: set aside",
        "an advisory, and the message stays in the stream",
        "It counts as stored, its age goes on (FIFO: in SQS it begins anew), a new consumer would get it, and its last "
        "handle still acknowledges it (here that is not passed on). `redrive` stores it anew and removes the old one.",
    ),
    Difference(
        "in_flight_max: a standard queue refuses",
        "`max_ack_pending`: nothing is given, and nothing is said",
        "As a FIFO queue of SQS. Worse: while there are more messages, a pull that need not wait waits.",
        ("at_the_limit_of_loans_it_refuses",),
    ),
    Difference(
        "what comes back is in order again",
        "what was handed back is given in the order in which it was handed back",
        "Both give it before what was never given out.",
        ("what_comes_back_is_in_order_again",),
    ),
    Difference(
        "size_max_bytes: of the body",
        "`max_msg_size`: of body and headers",
        "The message's id travels in a header, so what fits is about 100 bytes less.",
        ("a_body_is_measured_in_bytes",),
    ),
    Difference(
        "dedup_id: for FIFO",
        "for any stream",
        "The window is the stream's; so here every kind may be given one.",
    ),
    Difference(
        "status: `in_flight` ends with the loan",
        "`num_ack_pending` counts a loan that is over until the message is delivered again",
        "So what is visible and what is on loan is told apart by our clock; only their sum is the server's.",
    ),
)
"""What JetStream does otherwise than the model, as a table."""

SQS: Final = (
    Difference(
        "acknowledge: only the newest handle counts",
        "moto: any handle ever given out deletes",
        'SQS says yes to an old handle, "but the message might not be deleted". The model\'s rule is that it is not.',
        ("an_old_handle_changes_nothing",),
    ),
    Difference(
        "nack, extend: only for who has the message",
        "moto: any handle changes the visibility",
        "SQS answers `MessageNotInflight` when the loan is over.",
        ("an_old_handle_does_not_hand_back", "who_is_too_late_cannot_extend"),
    ),
    Difference(
        "FIFO: an acknowledgement after the loan counts no more",
        "moto: it counts",
        "SQS refuses it.",
        ("fifo_takes_no_acknowledgement_after_the_loan",),
    ),
    Difference(
        "FIFO: one message of a group at a time",
        "several, if one receive asks for several",
        "SQS does so too: a batch may hold the next messages of a group, in order. Ask for one: then it is as here.",
        ("a_batch_holds_one_message_of_a_group",),
    ),
    Difference(
        "dedup_id: remembered for five minutes even when the message is gone",
        "moto: only while the message is in the queue",
        "SQS remembers.",
        ("a_deduplication_id_outlives_its_message",),
    ),
    Difference(
        "dedup_s: as long as you say",
        "five minutes, fixed",
        "So the end of the window is shown by the model.",
        ("after_the_window_a_deduplication_id_is_forgotten",),
    ),
    Difference(
        "send: says that it is a duplicate",
        "SQS answers as to a new message; moto with a new number",
        "The counts before and after tell.",
    ),
    Difference(
        "body: may be empty",
        "moto: may be empty",
        "SQS refuses it: give one character or more.",
    ),
    Difference(
        "size_max_bytes: in bytes",
        "moto: in characters",
        "SQS measures bytes, attributes included.",
        ("a_body_is_measured_in_bytes",),
    ),
    Difference(
        "retention_s: expired, wherever it is, and counted",
        "moto: never given out again, but counted for ever, and a receive that meets it ends there",
        "SQS takes 60 s and more.",
        ("at_its_retention_a_message_is_gone",),
    ),
    Difference(
        "in_flight_max: a standard queue refuses",
        "moto: no limit",
        "SQS: 120,000, fixed; the error is `OverLimit`.",
        ("at_the_limit_of_loans_it_refuses",),
    ),
    Difference(
        "redrive: a verb",
        "moto has no `StartMessageMoveTask`",
        "The dead letters are received from their queue, sent again, and deleted there. Of a FIFO group ten are found.",
    ),
    Difference(
        "visibility_s, delay_s, wait_s: any",
        "whole seconds",
        "Others are refused here.",
    ),
    Difference(
        "fair: groups take turns",
        "moto: one line, groups or not",
        "SQS: `MessageGroupId` on a standard queue makes it fair.",
        ("in_a_fair_queue_groups_take_turns",),
    ),
)
"""What moto does otherwise than the model, and where SQS stands, as a table."""
