"""The cards: how a message waits, who takes it, and what is done when something goes wrong.

Each takes a scenario of some lab and says which of its parameters is the pattern.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.scenarios.log_stream.counts import by_former_owners
from dsys_lab.scenarios.patterns.bulkhead import QUIET, idle_beside_a_line_s, waits_s
from dsys_lab.scenarios.patterns.catalogue import Pattern
from dsys_lab.scenarios.patterns.choreography import messages_an_order, trail
from dsys_lab.scenarios.patterns.circuit_breaker import refused_in_vain
from dsys_lab.scenarios.patterns.claim_check import bus_bytes
from dsys_lab.scenarios.patterns.claim_check import round_trips as large_round_trips
from dsys_lab.scenarios.patterns.deployment_stamps import asked, users_hit
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
from dsys_lab.scenarios.patterns.valet_key import round_trips as valet_round_trips
from dsys_lab.scenarios.patterns.valet_key import service_bytes
from dsys_lab.trace import Trace
from dsys_lab.trace.measures import quantile

LONGEST_S: Final = longest_s("s that the unluckiest clip waits", "publish", "ack")
BURST: Final = {"capacity": 20, "burst_to_s": 30.0, "until_s": 60.0}
FREEZE: Final = {"do": "slow", "target": "worker-1", "value": 0, "lasts_s": 15,
                 "on": {"kind": "effect", "place": "worker-1"}, "nth": 4}  # fmt: skip
DESK_DIES: Final = {"do": "crash", "target": "desk", "on": {"kind": "effect"}, "nth": 8, "lasts_s": 2}
GONE: Final = {"do": "crash", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 4}


def _kept(trace: Trace) -> float:
    return 0 if trace.header.params["handler"] == "add always" else len({row.message for row in trace.of("effect")})


def _written_down(trace: Trace) -> float:
    return 0 if trace.header.params["memory"] == "neither" else len(trace.of("effect"))


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
        "Scheduler Agent Supervisor",
        "A worker dies with a clip in its hands, and nobody asks for it for a long time.",
        "Somebody watches over what was given out; who is silent for too long loses it to another.",
        "durable_queue.encode", {"visibility_s": 600.0}, {"visibility_s": 4.0},
        LONGEST_S, DONE_AGAIN,
        "Retry", "a retry is made by who called; a supervisor notices for somebody who cannot call any more",
        {"clips": 30, "faults": [GONE]},
    ),
    Pattern(
        "Pipes and Filters",
        "One program does all the steps, so the next night waits for all of them.",
        "A filter for each step, with a pipe between: each takes the next when its own step is done.",
        "patterns.filters", {"way": "one program"}, {"way": "three filters"},
        wait_s("p99 from wearable to scored, s", "publish", "finish"), rows("hand-overs", "send"),
        "Competing Consumers", "filters do different steps of one message; competitors one step of different messages",
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
        "Messaging Bridge",
        "A topic pushes and forgets who is too slow; a worker wants to pull when it has time.",
        "Connect the two kinds of messaging: a queue subscribes to the topic.",
        "publish_subscribe.isolation", {"wiring": "topic"}, {"wiring": "topic, a queue each"},
        LOST, rows("steps at the queues", "enqueue", "deliver", "ack"),
        "Anti-Corruption Layer", "a bridge carries messages over as they are; a layer translates what they say",
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
        rows("nights set aside unread", "set_aside"), rows("messages sent", "send"),
        "Messaging Bridge", "the layer changes the words; a bridge changes only the way on which they travel",
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
        "The door is down for fifteen minutes, and who tries three times has given up long before that.",
        "Try again, later and later, for longer than an outage lasts.",
        "event_bus.hear_of_it", {"tries": "three attempts"}, {"tries": "three days"},
        Measure("events never heard of", lambda trace: len(trace.of("change")) - len(trace.of("effect"))),
        rows("calls", "send"),
        "Circuit Breaker", "a retry believes that the next call may work; a breaker believes that it will not",
        {"down_s": 900.0, "minutes": 60.0},
    ),
    Pattern(
        "Idempotent Consumer",
        "A queue delivers at least once, and a handler that adds up counts a clip twice.",
        "Note what was done with the effect, in one step, and skip what is noted.",
        "durable_queue.handled", {"handler": "add always"}, {"handler": "add then note"},
        DONE_AGAIN, Measure("ids that must be kept", _kept),
        "Retry", "a retry makes a second delivery; the idempotent consumer makes it harmless",
        {"visibility_s": 3.0, "work_shape": "exponential"},
    ),
    Pattern(
        "Quarantine",
        "One bad ping in a crate, and the whole crate is set aside.",
        "Judge each for itself, and park only what is bad.",
        "delivery_stream.spoiled", {"judged": "a whole crate"}, {"judged": "each ping"},
        rows("pings set aside", "set_aside"), rows("crates to write", "sealed"),
        "Gatekeeper", "a gatekeeper refuses at the door; quarantine has taken it in and keeps it for somebody to look",
    ),
    Pattern(
        "Health Endpoint Monitoring",
        "Pings go missing, and nobody knows of it.",
        "Let the far end be told now and then what ought to be there, and compare.",
        "missed_messages.path", {"detector": "nobody"}, {"detector": "heartbeat"},
        Measure("missed, and nobody knows", lambda trace: len(trace.of("hole")) - len(trace.of("detect"))),
        rows("messages sent", "publish"),
        "Scheduler Agent Supervisor", "monitoring says that something is wrong; a supervisor does something about it",
    ),
    Pattern(
        "Leader Election",
        "A worker freezes, another takes over, and then the first one wakes up and goes on.",
        "Only who holds the newest lease may act, and who is acted upon refuses the older one.",
        "log_stream.nights", {"fenced": False}, {"fenced": True},
        Measure("effects of a former owner", by_former_owners), rows("effects refused", "refuse"),
        "Scheduler Agent Supervisor", "an election says who may act; a supervisor says what is to be done again",
        {"shards": 1, "rate": 20.0, "poll_s": 2.0, "work_s": 0.2, "faults": [FREEZE]},
    ),
)  # fmt: skip

READING: Final = (
    Pattern(
        "Cache-Aside",
        "Every read goes to the table.",
        "Look into a cache first, and put there what was missing.",
        "authoritative_and_derived.cached", {"ttl_s": 0.001}, {"ttl_s": 10.0},
        rows("reads that reach the table", "miss"),
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
        broken("places that do not say what the database says", "checks hold"),
        Measure("hand-overs an order", lambda trace: len(trace.of("push")) / len(trace.of("effect"))),
        "Retry", "a retry is forgotten when its caller dies; an outbox is on the disk",
        {"faults": [AT_THE_SEAM]},
    ),
)  # fmt: skip

PROMISING: Final = (
    Pattern(
        "Asynchronous Request-Reply",
        "Buyers stand and wait until the stock has been asked, and some of them leave.",
        "Say yes at once, on what is known here, and bring the answer later.",
        "verification_and_apology.launch", {"way": "ask"}, {"way": "promise"},
        rows("buyers who leave unanswered", "abandon"), rows("apologies", "apologise"),
        "Queue-Based Load Leveling", "a queue makes the caller's work wait; here the caller goes on, with a promise",
    ),
    Pattern(
        "Saga",
        "A promise takes several acts at several places, and whoever does them dies half-way.",
        "Write each act down before it is done, under a key of its own, with what would undo it; and go on from there.",
        "verification_and_apology.settle", {"memory": "neither"}, {"memory": "keys and journal"},
        broken("acts done once too often", "exactly-once effect"), Measure("acts that are written down", _written_down),
        "Choreography", "a saga says what is undone when a step fails; who tells whom to do it is another question",
        {"faults": [DESK_DIES]},
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
        "Let each tell the next.",
        "patterns.order", {"way": "orchestrator"}, {"way": "choreography"},
        Measure("messages an order", messages_an_order),
        Measure("rows to read until the stuck order is found", lambda trace: trail(trace, "o7").rows),
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
