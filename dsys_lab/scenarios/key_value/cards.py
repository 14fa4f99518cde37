"""Every sleeper has a card with last night's sleep; on New Year's morning everybody looks at the same few.

The table `cards` is cut into partitions, at a fiftieth of DynamoDB's size so that each call can be seen: a partition
does 20 writes a second. The claims, one function each:

1. `hot_key`: skew wastes what was promised; modes of admission give it back, up to the limit of one partition.
2. `replica_reads`: a follower lags, so a cheap read may be old.
3. `leader_fails`: an acknowledged write survives its leader, if the fullest journal leads on.
4. `index_falls_behind`: an index without enough units slows the writers down.
5. `retry_storm`: refused together, tried again together, unless chance spreads them.

`table_machines` holds the machines, `table_counts` what the notebook counts over many runs, `card_tables` the access
paths and the flights. Two more files are parts of the lab: `quorum_ring` (no leader) and `log_structured` (what lies
under one partition).

Sources: the semantics and their sources in `dsys_lab.stores.key_value.partitioned`; the laws in
`dsys_lab.laws.partitions`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.errors import DidNotHappen, require_choice, require_positive
from dsys_lab.scenarios.key_value.machines import (
    CARDS,
    WEARABLES,
    CardWriter,
    Journals,
    ReplicaHost,
    TableHost,
    elect_when_headless,
)
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation, to_us
from dsys_lab.simulation.chance import exponential, uniform
from dsys_lab.stores.key_value.partitioned import (
    GlobalIndex,
    KeySchema,
    PartitionedTable,
    Settings,
    SplitPolicy,
    first_alive,
    fullest_journal,
)
from dsys_lab.workloads.keys import zipf

PERSON: Final = KeySchema("person")
KEPT: Final[dict[str, dict[str, Any]]] = {"conservation": {}}
CHOOSE: Final = {"fullest journal": fullest_journal, "first alive": first_alive}


# ------------------------------------------------------------------------------------------ 1. hot keys
@scenario("{mode}, skew {skew:g}")
def hot_key(
    sim: Simulation,
    *,
    mode: str = "static",
    skew: float = 1.2,
    partitions: int = 4,
    keys: int = 200,
    rate: float = 40.0,
    promised: float = 48.0,
    limit: float = 20.0,
    seconds: float = 12.0,
    saved: float = 0.0,
    cut: bool = False,
    suffixes: int = 1,
) -> Claims:
    """Skew wastes what was promised; modes of admission give it back, up to the limit of one partition.

    `rate` writes a second of one unit each; the key of rank r has a share proportional to 1 / r**`skew`. The table was
    `promised` more than that, and one partition does at most `limit`. With `cut` a busy partition is cut in two every
    two seconds; with `suffixes` each key is spread over so many.
    """
    require_positive(rate=rate, keys=keys, seconds=seconds, suffixes=suffixes)
    settings = Settings(
        partitions=partitions, mode=mode, write_rate=promised, write_limit=limit, saved=saved, split_every_s=2.0,
        split=SplitPolicy(heat=0.7) if cut else None,
    )  # fmt: skip
    host = TableHost(sim, PartitionedTable(CARDS, PERSON, settings, recorder=sim.recorder))
    persons = zipf(keys, skew).draw(sim.seed, "persons", 0, int(2 * rate * seconds) + 100).tolist()

    def card(number: int) -> dict[str, Any]:
        suffix = f".{number % suffixes}" if suffixes > 1 else ""
        return {"person": f"{persons[number]}{suffix}", "minutes": 435}

    CardWriter(sim, host, lambda _: rate, card, name=WEARABLES, until_s=seconds)
    sim.run(seconds + 0.5)
    return Claims(KEPT, {"tokens": {"value": 0, "label": "nothing left"}})


# ------------------------------------------------------------------------------------------ 2. followers lag
@scenario("followers {lag_ms:g} ms behind")
def replica_reads(
    sim: Simulation,
    *,
    lag_ms: float = 200.0,
    writes: float = 2.0,
    reads: float = 8.0,
    seconds: float = 12.0,
    strong: bool = False,
) -> Claims:
    """A follower lags, so a cheap read may be old.

    One card is written `writes` times a second and read `reads` times, each read at one of the three replicas by luck,
    or at the leader if `strong`. The first follower is 2 ms behind, the second `lag_ms`.
    """
    require_positive(writes=writes, reads=reads, seconds=seconds)
    lags = {1: 2_000, 2: to_us(lag_ms / 1000)}
    table = PartitionedTable(CARDS, PERSON, Settings(split=None), lag=lambda follower: lags[follower])
    group = table.partitions[0].group

    def write() -> Body:
        chance, number = sim.stream("writes"), 0
        while True:
            yield sim.sleep(exponential(1 / writes)(chance))
            if sim.now_s > seconds:
                return
            number += 1
            message = f"v{number}"
            sim.emit("publish", "writer", message, attempt=1)
            table.put(sim.now_us, {"person": "17", "version": number})
            sim.emit("archive", f"{CARDS}/replica-0", message, of="written")
            for follower, lag_us in lags.items():
                sim.spawn(arrive(follower, lag_us, message))

    def arrive(follower: int, lag_us: int, message: str) -> Body:
        copy = sim.network.next_copy(message) + 1
        place = f"{CARDS}/replica-{follower}"
        arrive_us = sim.now_us + lag_us
        sim.emit("send", f"{CARDS}/replica-0", message, to=place, copy=copy, type="journal", arrive_us=arrive_us)
        yield sim.sleep(lag_us / 1e6)
        table.tick(sim.now_us)
        sim.emit("receive", place, message, source=f"{CARDS}/replica-0", copy=copy, type="journal")
        sim.emit("finish", place, message, attempt=1, copy=copy)
        if follower == 1:
            sim.emit("finish", f"{CARDS}/replica-0", message, attempt=1)

    def read() -> Body:
        chance, number = sim.stream("reads"), 0
        while True:
            yield sim.sleep(exponential(1 / reads)(chance))
            if sim.now_s > seconds:
                return
            replica = 0 if strong else int(chance() * 3)
            number += 1
            table.tick(sim.now_us)
            newest = group.read(strong=True).get(PERSON.key_of({"person": "17"})) or {"version": 0}
            found = table.get(sim.now_us, {"person": "17"}, strong=strong, replica=replica).item or {"version": 0}
            behind = newest["version"] - found["version"]
            place = f"{CARDS}/replica-{replica}"
            sim.emit("look", place, view=place, key="17", position=found["version"], behind_us=0, stale=behind > 0)
            if behind:
                sim.emit("check", place, name="newest", ok=False, expected=newest["version"], got=found["version"])

    sim.spawn(write())
    sim.spawn(read())
    sim.run(seconds + 1)
    return Claims({"checks hold": {}})


# ------------------------------------------------------------------------------------------ 3. the leader fails
@scenario("{choose} leads on")
def leader_fails(
    sim: Simulation,
    *,
    choose: str = "fullest journal",
    rate: float = 4.0,
    seconds: float = 10.0,
    fails_at_s: float = 4.1,
    returns_after_s: float = 3.0,
    notice_s: float = 1.0,
) -> Claims:
    """An acknowledged write survives its leader, if the fullest journal leads on.

    The first follower is three seconds behind, the second 5 ms, so that what is acknowledged lies with the leader and
    the second. At `fails_at_s` the leader fails; within `notice_s` another one leads.
    """
    require_choice("choose", choose, tuple(CHOOSE))
    require_positive(rate=rate, seconds=seconds, notice_s=notice_s)
    lags = {0: 5_000, 1: 3_000_000, 2: 5_000}
    table = PartitionedTable(
        CARDS, PERSON, Settings(split=None), lag=lambda follower: lags[follower], choose=CHOOSE[choose],
        recorder=sim.recorder,
    )  # fmt: skip
    partition = table.partitions[0]
    replicas = [ReplicaHost(sim, table, partition, number) for number in range(3)]
    acknowledged: dict[str, int] = {}
    journals = Journals(sim, partition, acknowledged)

    def write() -> Body:
        number = 0
        while sim.now_s < seconds:
            yield sim.sleep(1 / rate)
            number += 1
            message = f"w{number}"
            leader = partition.group.leader
            copy = partition.group.replicas.index(leader) if leader else 0
            sim.emit("publish", WEARABLES, message, attempt=1, copy=copy)
            try:
                written = table.put(sim.now_us, {"person": f"p{number}", "n": number}, message=message)
            except DidNotHappen:
                sim.emit("reject", partition.name, message, why="no leader", copy=copy)
                continue
            journals.show()
            sim.spawn(wait_for_quorum(message, number, written))

    def wait_for_quorum(message: str, number: int, written: Any) -> Body:
        epoch = partition.group.epoch
        while not table.is_committed(written):
            due_us = table.deadline_us()
            if due_us is None or partition.group.epoch != epoch:
                sim.emit("publish_fail", WEARABLES, message, attempt=1, why="no answer")
                return
            yield sim.sleep(max(1, due_us - sim.now_us) / 1e6)
            table.tick(sim.now_us)
        acknowledged[f"p{number}"] = number
        sim.emit("publish_ok", WEARABLES, message, attempt=1)

    sim.spawn(write())
    sim.spawn(elect_when_headless(sim, table, notice_s=notice_s))
    sim.spawn(_fail_and_return(sim, replicas[0], at_s=fails_at_s, after_s=returns_after_s))
    sim.spawn(_look_often(sim, table, journals))
    sim.run(seconds + 1)
    held = {key.partition for key, _ in partition.group.read(strong=True)}
    lost = [person for person in acknowledged if person not in held]
    sim.emit("check", partition.name, name="acknowledged and kept", ok=not lost, expected=len(acknowledged),
             got=len(acknowledged) - len(lost))  # fmt: skip
    return Claims({"checks hold": {}})


def _fail_and_return(sim: Simulation, replica: ReplicaHost, *, at_s: float, after_s: float) -> Body:
    yield sim.sleep(at_s)
    replica.crash()
    yield sim.sleep(after_s)
    replica.restart()


def _look_often(sim: Simulation, table: PartitionedTable, journals: Journals) -> Body:
    while True:
        yield sim.sleep(0.05)
        table.tick(sim.now_us)
        journals.show()


# ------------------------------------------------------------------------------------------ 4. an index falls behind
@scenario("index of {index_rate:g} units a second")
def index_falls_behind(
    sim: Simulation,
    *,
    index_rate: float = 10.0,
    rate: float = 20.0,
    backlog_max: int = 60,
    seconds: float = 16.0,
    writes_s: float = 8.0,
) -> Claims:
    """An index without enough units slows the writers down.

    `rate` cards a second, each with a city, are written for `writes_s` seconds. The index by city takes in
    `index_rate` a second; when `backlog_max` changes wait for it, the table refuses.
    """
    require_positive(rate=rate, seconds=seconds, writes_s=writes_s)
    spec = GlobalIndex(
        "by_city", KeySchema("city"), write_rate=index_rate, mode="static", delay_us=50_000, backlog_max=backlog_max
    )
    table = PartitionedTable(CARDS, PERSON, Settings(split=None, global_indexes=(spec,)))
    index = table.indexes["by_city"]

    def write() -> Body:
        number = 0
        while sim.now_s < writes_s:
            yield sim.sleep(1 / rate)
            number += 1
            message = f"w{number}"
            sim.emit("publish", WEARABLES, message, attempt=1)
            try:
                table.put(sim.now_us, {"person": f"p{number}", "city": "Oslo"})
            except DidNotHappen:
                sim.emit("reject", CARDS, message, why="the index is too far behind")
                continue
            sim.emit("enqueue", index.place, message, depth=len(index.waiting))
            waiting.append(message)

    def follow() -> Body:
        taken = 0
        while sim.now_s < seconds:
            yield sim.sleep(0.05)
            table.tick(sim.now_us)
            while taken < len(index.items):
                sim.emit("finish", index.place, waiting[taken], attempt=1)
                taken += 1
            sim.emit("gauge", index.place, name="backlog", value=len(index.waiting), unit="changes", full=backlog_max)

    waiting: list[str] = []
    sim.spawn(write())
    sim.spawn(follow())
    sim.run(seconds)
    same = len(index.items) == table.status().items
    sim.emit("check", index.place, name="index and table agree", ok=same, expected=table.status().items,
             got=len(index.items))  # fmt: skip
    return Claims({**KEPT, "checks hold": {}}, {"backlog": {"value": backlog_max, "label": "the table refuses"}})


# ------------------------------------------------------------------------------------------ 5. a storm of retries
@scenario("{backoff}")
def retry_storm(
    sim: Simulation,
    *,
    backoff: str = "none",
    clients: int = 60,
    limit: float = 20.0,
    base_s: float = 0.2,
    seconds: float = 20.0,
) -> Claims:
    """Refused together, tried again together, unless chance spreads them.

    At 07:00 so many wearables write at once to one partition that does `limit` writes a second. Who is refused tries
    again: after exactly `base_s`, or after a pause drawn from an interval that doubles.
    """
    policy = RetryPolicy(retries=40, backoff=backoff, base_s=base_s, cap_s=8)
    settings = Settings(write_rate=limit, write_limit=limit, saved=0, split=None)
    host = TableHost(sim, PartitionedTable(CARDS, PERSON, settings))
    partition = host.table.partitions[0].name

    def call(number: int) -> Body:
        chance, message = sim.stream(f"client-{number}"), f"c{number}"
        for attempt in range(1, policy.retries + 2):
            sim.emit("publish", WEARABLES, message, attempt=attempt, copy=attempt - 1)
            try:
                host.table.put(sim.now_us, {"person": f"{number}"})
            except DidNotHappen as error:
                sim.emit("reject", partition, message, why=getattr(error, "reason", "refused"), copy=attempt - 1)
            else:
                sim.emit("finish", partition, message, attempt=attempt, copy=attempt - 1)
                return
            pause_s = base_s if policy.backoff == "none" else policy.pause_s(attempt, chance())
            yield sim.sleep(pause_s + uniform(0, 0.02)(chance))

    def storm() -> Body:
        yield sim.sleep(1)
        for number in range(clients):
            sim.spawn(call(number))

    sim.spawn(storm())
    sim.run(seconds)
    return Claims(KEPT)
