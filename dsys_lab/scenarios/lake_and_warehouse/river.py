"""Documents come down a river, and their shape changes: which stay outside, what is lost, and who can read the rest?

A warehouse has a gate: a schema that was agreed on when all wearables had firmware 1. `strict` turns away what does not
fit, `lossy` lets it through and drops what is over, `rescue` keeps that beside the row. A `lake` has no gate; there
each reader brings a schema, and sees no more than that.
"""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.stores.lake.schema_on_read import MODES, Outcome, Wanted, leaves, load, parsed, read, wanted
from dsys_lab.workloads.slumber import Faults
from dsys_lab.workloads.slumber.documents import raw_documents

WAYS: Final = (*MODES, "lake")
FIRST_SHAPE: Final = wanted("id! whole", "day text d", "person whole p", "minutes whole hours_sleep*60", "city text")
"""What everybody agreed on while all wearables had firmware 1."""
ALL_SHAPES: Final = wanted(
    "id! whole", "day text d", "person whole p person", "minutes whole hours_sleep*60 sleep_minutes sleep.minutes",
    "city text", "awake whole sleep.awake", "spo2 whole",
)  # fmt: skip
"""What somebody wants who has looked at all three."""
READERS: Final = {"firmware 1": FIRST_SHAPE, "all shapes": ALL_SHAPES}
NIGHTS: Final = 83_720
"""The first thirteen weeks: firmware 2 comes in the third, firmware 3 in the ninth."""


@lru_cache(maxsize=16)
def documents(seed: int = 7, count: int = 6_000) -> tuple[str, ...]:
    """Return so many nights of the first thirteen weeks, evenly, as the wearables send them, drift and all."""
    if not isinstance(count, int) or not 1 <= count <= NIGHTS:
        raise BadParameter(f"count = {count!r}: give 1 to {NIGHTS:,} documents")
    return tuple(islice(raw_documents(seed, 0, NIGHTS, Faults(drift=True)), 0, None, NIGHTS // count))[:count]


def firmware(line: str) -> int:
    """Return which firmware sent a document: each has a shape of its own."""
    told = parsed(line) or {}
    return 1 if "hours_sleep" in told else 2 if "sleep_minutes" in told else 3


def evenly_by_day(seed: int, count: int) -> list[str]:
    """Return so many of the documents, from days that lie evenly over the thirteen weeks."""
    by_day: dict[str, str] = {}
    for line in documents(seed):
        by_day.setdefault((parsed(line) or {})["d"], line)
    days = sorted(by_day)
    return [by_day[days[number * len(days) // count]] for number in range(count)]


@scenario("{way}")
def river(sim: Simulation, *, way: str = "strict", count: int = 18) -> Claims:
    """Let some nights in, evenly over the first thirteen weeks, and count what is where in the end.

    Each disc is a document, or a piece that came off one at the gate; both carry the number of their firmware. *Aside*
    is the quarantine of `strict`, and the column of `rescue`. In the `lake`, two readers come in the end.
    """
    require_choice("way", way, WAYS)
    if not 3 <= count <= 60:
        raise BadParameter(f"count = {count!r}: give 3 to 60 documents")
    lines = evenly_by_day(sim.seed, count)
    Machine(sim, "wearables")
    shore = LakeHost(sim) if way == "lake" else GateHost(sim, way)

    def flow() -> Body:
        for number, line in enumerate(lines, start=1):
            message = f"night {number}, firmware {firmware(line)}"
            sim.emit("publish", "wearables", message, attempt=1)
            sim.network.send("wearables", shore.name, message, {"line": line})
            yield sim.sleep(0.12)
        yield sim.sleep(0.3)
        if isinstance(shore, LakeHost):
            yield from shore.visit()

    sim.spawn(flow())
    sim.run()
    kept = shore.kept_values
    came = sum(value is not None for line in lines for _, value in leaves(parsed(line) or {}))
    sim.emit("check", shore.name, name="values lost for ever", ok=kept == came, expected=0, got=came - kept)
    return Claims({"checks hold": {}})


class GateHost(Machine):
    """The gate of a warehouse."""

    def __init__(self, simulation: Simulation, mode: str) -> None:
        self.mode, self.kept_values = mode, 0
        super().__init__(simulation, "gate")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Load, turn away, drop, or put beside."""
        line = body["line"]
        told = load([line], FIRST_SHAPE, mode=self.mode)
        came = sum(value is not None for _, value in leaves(parsed(line) or {}))
        self.kept_values += came - sum(told.lost.values())
        self.spawn(self._let_through(message, told))

    def _let_through(self, message: str, told: Outcome) -> Body:
        """Show where the document goes, and its pieces."""
        simulation = self.simulation
        pieces = [f"{path} of {message}" for path in (*told.lost, *told.rescued)]
        for piece in pieces:
            simulation.emit("archive", self.name, piece)
        yield simulation.sleep(0.1)
        simulation.emit("archive", "aside" if told.quarantine else "table", message)
        for piece in pieces:
            if self.mode == "rescue":
                simulation.emit("archive", "aside", piece)
            else:
                simulation.emit("gone", self.name, piece, why="the table has no column for it")


class LakeHost(Machine):
    """A lake, and those who come to it."""

    def __init__(self, simulation: Simulation) -> None:
        self.lines: dict[str, str] = {}
        super().__init__(simulation, "lake")

    @property
    def kept_values(self) -> int:
        """The values in the lines that are kept."""
        return sum(value is not None for line in self.lines.values() for _, value in leaves(parsed(line) or {}))

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Keep it as it came."""
        self.lines[message] = body["line"]
        self.simulation.emit("archive", self.name, message)

    def visit(self) -> Body:
        """Let each reader read: what has minutes for it, and what is NULL to it."""
        for name, schema in READERS.items():
            for message, line in self.lines.items():
                sees = sees_minutes(line, schema)
                copy = f"look with {name} at {message}"
                self.simulation.emit("archive", self.name, copy)
                yield self.simulation.sleep(0.04)
                self.simulation.emit("archive", f"{name}/{'minutes' if sees else 'NULL'}", copy)


def sees_minutes(line: str, schema: tuple[Wanted, ...]) -> bool:
    """Whether a reader with this schema has the night's minutes; a night without any is seen as that."""
    told = read([line], schema)
    return bool(told.rows) and not told.absent["minutes"] and not told.mismatched["minutes"]


def shapes(seed: int = 7) -> dict[str, str]:
    """Return a document of each firmware, for a look at them."""
    lines = documents(seed)
    return {f"firmware {one}": json.dumps(json.loads(next(line for line in lines if firmware(line) == one)))
            for one in (1, 2, 3)}  # fmt: skip
