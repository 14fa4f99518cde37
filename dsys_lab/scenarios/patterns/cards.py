"""The cards: how a message waits, who takes it, and what is done when something goes wrong.

Each takes a scenario of some lab and says which of its parameters is the pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.facts import fact
from dsys_lab.scenarios.patterns.bulkhead import QUIET, idle_beside_a_line_s, waits_s
from dsys_lab.scenarios.patterns.catalogue import Pattern
from dsys_lab.scenarios.patterns.choreography import messages_an_order, parts_left
from dsys_lab.scenarios.patterns.circuit_breaker import refused_in_vain
from dsys_lab.scenarios.patterns.claim_check import bus_bytes
from dsys_lab.scenarios.patterns.claim_check import round_trips as large_round_trips
from dsys_lab.scenarios.patterns.deployment_stamps import asked, users_hit
from dsys_lab.scenarios.patterns.filters import with_the_model
from dsys_lab.scenarios.patterns.looked_for import trail
from dsys_lab.scenarios.patterns.measures import (
    DONE_AGAIN,
    LOST,
    P99_S,
    REFUSED,
    Measure,
    broken,
    last_gauge,
    longest_s,
    rows,
    touched,
    until_s,
    wait_s,
)
from dsys_lab.scenarios.patterns.one_order.followed import AT_THE_SEAM
from dsys_lab.scenarios.patterns.translated import unread
from dsys_lab.scenarios.patterns.valet_key import round_trips as valet_round_trips
from dsys_lab.scenarios.patterns.valet_key import service_bytes
from dsys_lab.trace import Trace
from dsys_lab.trace.measures import quantile

LONGEST_S: Final = longest_s("s that the unluckiest clip waits", "publish", "ack")
BURST: Final = {"capacity": 20, "burst_to_s": 30.0, "until_s": 60.0}
DESK_DIES: Final = {"do": "crash", "target": "desk", "on": {"kind": "effect"}, "nth": 8, "lasts_s": 2}
GONE: Final = {"do": "crash", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 4}
LEADER_DIES: Final = {"do": "crash", "target": "billing-1", "at_s": 14, "lasts_s": 10}
LONGEST_LOAN_S: Final = float(fact("sqs_visibility_max").value)
"""A queue cannot lend for ever; twelve hours are as good as that."""


def _most(kind: str, name: str) -> Callable[[Trace], float]:
    """Take the most that a field of these rows ever says."""
    return lambda trace: max((int(row.fields.get(name) or 0) for row in trace.of(kind)), default=0)


def _reads_of_the_table(trace: Trace) -> float:
    """Count what a cache did not have, or, where there is none, every look at the table."""
    return len(trace.of("miss")) + sum(row.fields["view"] == "table" for row in trace.of("look"))


WAITING: Final = (
    Pattern(
        "Queue-Based Load Leveling",
        "A burst meets a server that was bought for the average, and who finds it busy is turned away.",
        "Let a queue stand between them: the burst waits there, and the server works on at its own pace.",
        "not_consumed_in_time.burst", {"policy": "reject"}, {"policy": "unbounded"},
        REFUSED, P99_S,
        "Throttling", "the queue makes all wait and refuses nobody; a throttle refuses some so that none waits long",
        BURST,
    ),
    Pattern(
        "Throttling",
        "All are let in, and so all wait, those who came after the burst as well.",
        "Let in only so many, and tell the others at once.",
        "not_consumed_in_time.burst", {"policy": "unbounded"}, {"policy": "reject"},
        P99_S, REFUSED,
        "Rate Limiting", "the server throttles whoever comes; a client limits its own rate, before it calls",
        BURST,
    ),
    Pattern(
        "Rate Limiting",
        "A client sends more than the server allows, and most of it comes back refused over the network.",
        "The client knows its limit and holds back by itself: a bucket of tokens.",
        "not_consumed_in_time.fair_shares", {"control": "none"}, {"control": "token_bucket"},
        rows("calls that the server must refuse", "reject", at="gate"),
        rows("calls that the clients never make", "reject", at="tenant"),
        "Throttling", "here the client holds back, and the server's refusals are rare",
        {"until_s": 15.0},
    ),
    Pattern(
        "Priority Queue",
        "When room is short it is short for all, and the important ones are lost with the others.",
        "Order by importance: the least important pays.",
        "not_consumed_in_time.burst", {"policy": "drop_newest"}, {"policy": "priority"},
        broken("important messages lost", "important kept", priority="high"), P99_S,
        "Queue-Based Load Leveling", "a queue levels the load over time; priority says who of those waiting goes first",
        BURST,
    ),
    Pattern(
        "Competing Consumers",
        "One worker takes clip after clip from the queue, and is the slowest part of the whole.",
        "Let several take from the same queue; each clip goes to one of them.",
        "durable_queue.encode", {"workers": 1}, {"workers": 4},
        until_s("s until all are done", "ack"), rows("receives", "deliver"),
        "Publisher/Subscriber", "competitors share the messages, each has some; subscribers each have all",
        {"visibility_s": 4.0},
    ),
    Pattern(
        "Sequential Convoy",
        "Competing workers finish clips of one customer in another order than they were sent.",
        "Give messages that belong together one group; of a group only one is worked on at a time.",
        "durable_queue.groups", {"kind": "standard"}, {"kind": "fifo"},
        broken("clips out of order", "order per group"), until_s("s until all are done", "ack"),
        "Priority Queue", "a convoy keeps the order within a group; priority changes the order of all",
    ),
    Pattern(
        "Lease",
        "A worker dies with a clip in its hands, and what was given out for good stays with the dead.",
        "Give it for a time: who is silent for too long loses it to another.",
        "durable_queue.encode", {"visibility_s": LONGEST_LOAN_S}, {"visibility_s": 4.0},
        LONGEST_S, DONE_AGAIN,
        "Leader Election", "a lease is on anything, a clip for example; the one of an election is on a role",
        {"clips": 30, "faults": [GONE]},
    ),
    Pattern(
        "Pipes and Filters",
        "One program does all the steps, so each of its machines must be fit for the hardest of them.",
        "A filter for each step, with a pipe between: a step has the machines that it needs.",
        "patterns.filters", {"way": "one program"}, {"way": "three filters"},
        Measure("machines with room for the model", with_the_model), rows("hand-overs", "send"),
        "Competing Consumers", "filters do different steps of one message; competitors one step of different messages",
        {"rate": 8.0},
    ),
    Pattern(
        "Asynchronous Request-Reply",
        "Who asks for something long keeps a connection open for it, and when all are taken the next is turned away.",
        "Say at once that it will be done, and let them come back for it.",
        "patterns.reports", {"way": "wait for it"}, {"way": "come back for it"},
        REFUSED, rows("questions whether it is ready", "look"),
        "Queue-Based Load Leveling", "a queue spares the server; a ticket spares the caller, and the connection",
    ),
)  # fmt: skip

SPREADING: Final = (
    Pattern(
        "Publisher/Subscriber",
        "The phone calls everybody who wants to hear of an upload, one after the other, and waits for the slowest.",
        "It tells a topic, and the topic tells them.",
        "publish_subscribe.isolation", {"wiring": "one call after the other"}, {"wiring": "topic, a queue each"},
        wait_s("p99 that the phone waits, s", "publish", "publish_ok"), rows("messages", "push", "deliver"),
        "Competing Consumers", "each subscriber has a copy of its own; competitors share one",
    ),
    Pattern(
        "Gatekeeper",
        "Everybody may call the door, and a forged event takes effect like a true one.",
        "Who stands at the door checks signature, age and size before anything behind it hears of the call.",
        "event_bus.attack", {"without": "signature"}, {"without": "nothing"},
        rows("forged events that took effect", "check"), REFUSED,
        "Valet Key", "a gatekeeper looks at every call; a valet key is checked once made, and the service is not asked",
    ),
    Pattern(
        "Anti-Corruption Layer",
        "A partner renames a field, and every reader of ours must be mended, one after the other.",
        "One place knows the partner's words and says ours to all readers.",
        "patterns.translated", {"layer": False}, {"layer": True},
        Measure("times that a reader went without a night", unread), rows("messages sent", "send"),
        "Strangler Fig", "the layer stays, and changes words; the fig's front goes, and leads callers",
    ),
    Pattern(
        "External Configuration Store",
        "A number is part of the program, so to change it each program restarts.",
        "Keep the number in one place and let the programs ask for it.",
        "patterns.settings", {"way": "in each program"}, {"way": "in a store"},
        LOST, rows("questions to the store", "look"),
        "Cache-Aside", "here the program keeps what it was told until it asks again, and works on if the store is down",
    ),
    Pattern(
        "Sharding",
        "One partition bears only so many writes a second, and refuses what is more.",
        "Cut the keys into several, each on a machine of its own.",
        "key_value.hot_key", {"partitions": 1}, {"partitions": 4},
        REFUSED, rows("partitions to run", "range"),
        "Competing Consumers", "shards divide the data by key; competitors divide the work by who is free",
        {"skew": 0.0},
    ),
)  # fmt: skip

FAILING: Final = (
    Pattern(
        "Retry",
        "The door is down for fifteen minutes, and who calls then has called in vain.",
        "Try again, later and later, for longer than an outage lasts.",
        "event_bus.hear_of_it", {"tries": "one attempt"}, {"tries": "three days"},
        Measure("events never heard of", lambda trace: len(trace.of("change")) - len(trace.of("effect"))),
        rows("calls", "send"),
        "Circuit Breaker", "a retry believes that the next call may work; a breaker believes that it will not",
        {"down_s": 900.0, "minutes": 60.0},
    ),
    Pattern(
        "Idempotent Consumer",
        "A queue delivers at least once, and a handler that adds up counts a clip twice.",
        "Note what was done with the effect, in one step, and skip what is noted.",
        "durable_queue.handled", {"handler": "add always"}, {"handler": "add and note"},
        DONE_AGAIN, Measure("ids that must be kept", _most("effect", "ids_kept")),
        "Retry", "a retry makes a second delivery; the idempotent consumer makes it harmless",
        {"visibility_s": 3.0, "work_shape": "exponential", "power_loss_share": 0.02},
    ),
    Pattern(
        "Dead Letter Channel",
        "A clip that nobody can encode comes back and back, and takes the time of those who could do others.",
        "After so many tries put it aside, where somebody looks at it.",
        "durable_queue.encode", {"max_receives": None}, {"max_receives": 4},
        rows("times that a clip was given out", "deliver"), rows("clips that somebody must look at", "dead"),
        "Gatekeeper", "a gatekeeper refuses at the door; a dead letter was taken in, and is kept for somebody to look",
        {"poison_share": 0.1, "idempotent": True},
    ),
    Pattern(
        "Heartbeat",
        "Pings go missing, and nobody knows of it.",
        "Let the far end be told now and then what ought to be there, and compare.",
        "missed_messages.path", {"detector": "nobody"}, {"detector": "heartbeat"},
        Measure("missed, and nobody knows", lambda trace: len(trace.of("hole")) - len(trace.of("detect"))),
        rows("messages sent", "publish"),
        "Scheduler Agent Supervisor", "a heartbeat tells that something is wrong; a supervisor does something about it",
    ),
    Pattern(
        "Leader Election",
        "Three run so that one may die, and each of them sends the bill.",
        "All want one lease; who holds it sends, and the others watch whether it is still alive.",
        "patterns.billed", {"elects": False}, {"elects": True},
        DONE_AGAIN, rows("questions to the lease table", "look"),
        "Competing Consumers", "competitors share many things to do; of candidates one does all, and the others wait",
        {"faults": [LEADER_DIES]},
    ),
)  # fmt: skip

READING: Final = (
    Pattern(
        "Cache-Aside",
        "Every read goes to the table.",
        "Look into a cache first, and put there what was missing.",
        "authoritative_and_derived.cached", {"cache": False}, {"cache": True},
        Measure("reads that reach the table", _reads_of_the_table),
        Measure("old answers", lambda trace: sum(int(row.fields["behind_us"] or 0) > 0 for row in trace.of("look"))),
        "Materialized View", "a cache keeps what somebody asked for; a view keeps what somebody may ask for",
    ),
    Pattern(
        "Materialized View",
        "Each page is put together anew from all the lines that it shows.",
        "Keep the page, and mend it at each write.",
        "write_path_and_read_path.walls", {"eager": 0}, {"eager": 5},
        touched("rows touched for the readers", "readers"), touched("rows touched for the writers", "writers"),
        "Cache-Aside", "a view is there before anybody asks, and is mended when its source changes",
    ),
    Pattern(
        "CQRS",
        "A feed is read by asking everybody whom one follows, in the form in which they write.",
        "Write in one model and read from another, which a worker fills.",
        "write_path_and_read_path.fan_out", {"threshold": 0}, {"threshold": None},
        Measure("lists read for pages", lambda trace: sum(int(row.fields["lists"] or 0) for row in trace.of("look"))),
        rows("copies written", "apply"),
        "Materialized View", "a view is one such read model; CQRS says that all questions go to read models",
    ),
    Pattern(
        "Index Table",
        "A question by anything but the key opens every document.",
        "Keep a second list, in the order of what is asked for, that says where each document lies.",
        "document.along_the_shelf", {"index": "none"}, {"index": "kind, firmware"},
        rows("documents opened", "document_read"), rows("cards of the index looked at", "card_read"),
        "Materialized View", "an index leads to what is kept elsewhere; a view has the answer in itself",
    ),
    Pattern(
        "Event Sourcing",
        "A sum was kept in place by code that was wrong, and what went into it is forgotten.",
        "Keep what happened, and work the sum out from that, as often as one must.",
        "event_sourcing.rebuilding", {"way": "from now on"}, {"way": "beside"},
        Measure("EUR that the office is off in the end", last_gauge("off by")), rows("facts folded", "read"),
        "CQRS", "event sourcing says what is kept, the facts; CQRS says that reading has a model of its own",
    ),
    Pattern(
        "Transactional Outbox",
        "The shop writes its row, dies, and never tells the others of the order that it confirmed.",
        "Write what is to be told into the same transaction; another reads it from there.",
        "patterns.followed", {"way": "dual write"}, {"way": "outbox"},
        Measure(
            "places that do not say what the database says",
            lambda trace: len({row.place for row in trace.of("check") if not row.fields["ok"]}),
        ),
        Measure("hand-overs an order", lambda trace: len(trace.of("push")) / len(trace.of("effect"))),
        "Retry", "a retry is forgotten when its caller dies; an outbox is on the disk",
        {"faults": [AT_THE_SEAM]},
    ),
)  # fmt: skip

PROMISING: Final = (
    Pattern(
        "Verification with Apology",
        "Buyers stand and wait until the stock has been asked, and some of them leave.",
        "Say yes at once, on what is known here; verify later, and apologise where it was wrong.",
        "verification_and_apology.launch", {"way": "ask"}, {"way": "promise"},
        rows("buyers who leave unanswered", "abandon"), rows("apologies", "apologise"),
        "Asynchronous Request-Reply", "a ticket promises an answer; here the answer is given, and may be taken back",
    ),
    Pattern(
        "Scheduler Agent Supervisor",
        "A promise takes several acts at several places, and whoever sees to them dies half-way.",
        "Note how far each has come, do each act under a key, and let somebody go on from the notes.",
        "verification_and_apology.settle", {"memory": "neither"}, {"memory": "keys and journal"},
        broken("acts done once too often", "exactly-once effect"),
        Measure("notes that are kept", _most("wait", "noted")),
        "Saga", "a supervisor sees that all is done; a saga says what is undone when it cannot be",
        {"faults": [DESK_DIES]},
    ),
    Pattern(
        "Saga",
        "An order takes several parts at several places; one fails, and what was done before stays done.",
        "Let each part have an undoing, and undo what was done, in reverse.",
        "patterns.order", {"undoes": False}, {"undoes": True},
        Measure("parts that stay done of orders that failed", parts_left), rows("messages sent", "send"),
        "Choreography", "a saga says what is undone when a step fails; who tells whom to do it is another question",
    ),
)  # fmt: skip

OWN: Final = (
    Pattern(
        "Deployment Stamps",
        "One service serves everybody, and when it is down everybody is hit.",
        "Several whole ones, each for some of the users.",
        "patterns.stamps", {"stamps": 1}, {"stamps": 4},
        Measure("users hit by a crash", users_hit), Measure("machines asked for questions about all", asked),
        "Sharding", "a shard divides the data of one service; a stamp is a whole service of its own",
        {"faults": [{"do": "crash", "target": "stamp-1", "at_s": 10, "lasts_s": 15}]},
    ),
    Pattern(
        "Strangler Fig",
        "An old system is replaced in one night, and one piece of the new one turns out to be wrong.",
        "A front stands before both, and leads the callers of one piece after the other to the new one.",
        "patterns.replaced", {"way": "all at once"}, {"way": "piece by piece"},
        REFUSED, rows("messages sent", "send"),
        "Gatekeeper", "a front knows who does what by now, and is taken away in the end; a gatekeeper says who may ask",
    ),
    Pattern(
        "Choreography",
        "One machine tells all others what to do, and every word goes there and back.",
        "Let each say what it has done, and the one whom it concerns act on that.",
        "patterns.order", {"way": "orchestrator"}, {"way": "choreography"},
        Measure("messages an order", messages_an_order),
        Measure("places to look at until one knows why an order is stuck", lambda trace: trail(trace, "o7").places),
        "Publisher/Subscriber", "a choreography is who does what next; a topic is one of the ways to tell it",
    ),
    Pattern(
        "Circuit Breaker",
        "After a spike the server works for callers who have left, and their retries keep it at that.",
        "After some failures in a row stop asking for a while; then let one call try.",
        "patterns.storm", {"breaker": "none"}, {"breaker": "with a timeout"},
        rows("calls given up", "abandon"),
        Measure("calls refused that would have been answered", lambda trace: refused_in_vain(trace)[1]),
        "Retry", "a breaker believes that the next call will fail as well; a retry believes that it may work",
    ),
    Pattern(
        "Bulkhead",
        "One tenant sends four times as much, and its jobs stand before everybody's.",
        "Give each a part of the workers for itself.",
        "patterns.pools", {"pools": "one for all"}, {"pools": "one each"},
        Measure("p99 of the quiet tenant, s", lambda trace: quantile(waits_s(trace, QUIET), 0.99)),
        Measure("s that workers stand idle beside a line", idle_beside_a_line_s),
        "Throttling", "a bulkhead keeps one from taking the others' part; a throttle limits what each may ask",
    ),
    Pattern(
        "Claim Check",
        "A clip of film goes through the message bus, and behind it every small ping waits.",
        "Put the clip into a store and send its ticket.",
        "patterns.large", {"way": "in the message"}, {"way": "claim check"},
        Measure("MB through the bus", lambda trace: bus_bytes(trace) / 1e6),
        Measure("round trips to the bucket", large_round_trips),
        "Valet Key", "a claim check says where something lies; a valet key says that one may go there",
    ),
    Pattern(
        "Valet Key",
        "Every film goes through the service, in and out again.",
        "The service signs a grant, and the phone goes to the bucket itself.",
        "patterns.bytes_carried", {"way": "through the service"}, {"way": "valet key"},
        Measure("MB through the service", lambda trace: service_bytes(trace) / 1e6),
        Measure("round trips of the phones", valet_round_trips),
        "Claim Check", "the grant is a right, signed and short-lived; a claim check is an address",
    ),
)  # fmt: skip

PATTERNS: Final = {pattern.name: pattern for pattern in (*WAITING, *SPREADING, *FAILING, *READING, *PROMISING, *OWN)}
"""Name -> pattern."""
