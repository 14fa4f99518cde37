"""A phone that puts in batches: some of a batch are stored, others are over the limit. What becomes of the order?

PutRecords answers for each record by itself. Who puts those that failed again, and meanwhile goes on with the next
batch, stores them behind records that came later. Who waits until all are there keeps the order, and falls behind.

Source: Amazon Kinesis service model in botocore 1.44.5, PutRecords: "the response ... includes both successfully and
unsuccessfully processed records"; Developer Guide, "Handle failures when using PutRecords".
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from dsys_lab.brokers.log_stream import Entry, Limits, LogStream, Settings, Throttled
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.log_stream.gauges import limit_of
from dsys_lab.scenarios.log_stream.machines import RecordsOnly
from dsys_lab.scenarios.log_stream.polling import SHARD, SLEEPERS
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.structures import VolatileDisk

RULES: Final = ("goes on", "waits")
AGAIN_S: Final = 0.7
"""How soon those that failed are put again."""


@scenario("a phone that {rule}")
def batches(
    sim: Simulation, *, rule: str = "goes on", batches: int = 8, most: int = 20, write_records: float = 10.0
) -> Claims:
    """Each second the phone has a batch of 1 to `most` records, of five sleepers in turn: at times too many.

    What failed is put again after a while. The phone meanwhile "goes on" with the next batch, or it "waits".
    """
    require_choice("rule", rule, RULES)
    require_positive(batches=batches, most=most, write_records=write_records)
    settings = Settings(limits=Limits(write_records=write_records))
    stream = LogStream("nights", VolatileDisk(), settings, recorder=RecordsOnly(sim.recorder))
    sizes, keys, written = sim.stream("phone/sizes"), cycle(SLEEPERS), [0]

    def put(entries: list[Entry]) -> Body:
        while entries:
            for entry in entries:
                sim.emit("publish", "phone", entry.message, attempt=entry.copy + 1, copy=entry.copy, key=entry.key)
            answers = stream.put_many(sim.now_us, entries)
            both = list(zip(entries, answers, strict=True))
            written[0] += sum(not isinstance(answer, Throttled) for answer in answers)
            entries = [entry._replace(copy=entry.copy + 1) for entry, answer in both if isinstance(answer, Throttled)]
            yield sim.sleep(AGAIN_S if entries else 0)

    def produce() -> Body:
        number = 0
        for turn in range(1, batches + 1):
            count = 1 + int(sizes() * most)
            entries = [Entry(f"m{number + n}", next(keys)) for n in range(1, count + 1)]
            number += count
            yield sim.sleep(max(0.0, turn - sim.now_s))
            if rule == "waits":
                yield from put(entries)
            else:
                sim.spawn(put(entries))

    def tell() -> None:
        unit = "records a second"
        sim.emit("gauge", f"nights/{SHARD}", name="written", value=written[0], unit=unit)
        written[0] = 0
        sim.after(1.0, tell)

    sim.after(1.5, tell)
    sim.spawn(produce())
    sim.run(2.0 * batches + 5.0)
    return Claims({"stored in order": {}}, limit_of(write_records))
