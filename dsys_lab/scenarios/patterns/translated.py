"""Anti-corruption layer: each reader knows a partner's words, or one place does and translates.

A partner's wearables say how long somebody slept. Three readers want to know. On some day the partner calls the field
by another name, and who does not know the new name cannot read the night: it is set aside. Without a layer three
programs must be mended, one after the other; with one, the layer alone, and the readers never hear of it. It is one
more place to go through, and one that can be down for all of them.

Source: Evans, *Domain-Driven Design*, 2003, "Anticorruption Layer"; Azure Architecture Center, the same name.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream
from dsys_lab.trace import Trace

PARTNER, LAYER = "partner", "layer"
READERS: Final = ("coach", "billing", "science")
OURS, THEIRS = "hours", "hours_slept"
LOOKS_AGAIN_S: Final = 1.0
"""How often somebody looks whether the machine that is to be mended is up."""


class KnowsWords(Machine):
    """A machine whose program knows some of the partner's words for how long somebody slept."""

    def __init__(self, simulation: Simulation, name: str, *words: str) -> None:
        super().__init__(simulation, name)
        self.disk["words"] = list(words)

    def learn(self, word: str) -> None:
        """Install a program that knows one word more."""
        self.disk["words"].append(word)
        self.simulation.emit("note", self.name, text=f"{self.name} now knows {word}")

    def hours(self, said: dict[str, float]) -> float | None:
        """Return how long somebody slept, if it is said in a word that the program knows."""
        return next((said[word] for word in self.disk["words"] if word in said), None)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Use a night, or set aside what cannot be read."""
        hours = self.hours(body["said"])
        if hours is None:
            why = f"no word that {self.name} knows: {', '.join(body['said'])}"
            self.simulation.emit("set_aside", self.name, message, into=f"{self.name}'s letters", why=why, copy=copy)
        else:
            self.use(message, copy, hours)

    def use(self, message: str, copy: int, hours: float) -> None:
        """Carry the night out."""
        self.simulation.emit("effect", self.name, message, key=f"{hours:.1f} h", copy=copy)
        self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)


class Layer(KnowsWords):
    """Says every night in our own words, and hands it to each reader."""

    def use(self, message: str, copy: int, hours: float) -> None:
        """Translate and hand on."""
        self.simulation.emit("transform", self.name, message, rule=OURS, copy=copy)
        hand_out(self.simulation, self.name, message, {OURS: hours})
        self.simulation.emit("fan_out", self.name, message, copies=len(READERS), copy=copy)


def hand_out(simulation: Simulation, source: str, night: str, said: dict[str, float]) -> None:
    """Send a night to every reader, to each under its own name."""
    for reader in READERS:
        one = f"{night}/{reader}"
        copy = simulation.network.next_copy(one)
        simulation.emit("publish", source, one, attempt=1, copy=copy)
        simulation.network.send(source, reader, one, {"said": said}, copy=copy)


@scenario("with a layer: {layer}")
def translated(
    sim: Simulation,
    *,
    layer: bool = False,
    rate: float = 1.0,
    renamed_at_s: float = 20.0,
    mended_after_s: float = 10.0,
    until_s: float = 70.0,
) -> Claims:
    """At `renamed_at_s` the partner renames a field; to mend a program takes `mended_after_s`, one after the other."""
    require_positive(rate=rate, renamed_at_s=renamed_at_s, until_s=until_s)
    require_not_negative(mended_after_s=mended_after_s)
    partner = Machine(sim, PARTNER)
    readers = [KnowsWords(sim, name, OURS) for name in READERS]
    exposed = [Layer(sim, LAYER, OURS)] if layer else readers

    def comes(number: int, chance: Stream) -> None:
        night, said = f"n{number}", {OURS if sim.now_s < renamed_at_s else THEIRS: 4 + 5 * chance()}
        if layer:
            sim.emit("publish", PARTNER, night, attempt=1, copy=0)
            sim.network.send(PARTNER, LAYER, night, {"said": said})
        else:
            hand_out(sim, PARTNER, night, said)

    def mend() -> Body:
        yield sim.sleep(renamed_at_s)
        for one in exposed:
            yield sim.sleep(mended_after_s)
            while not one.up:
                yield sim.sleep(LOOKS_AGAIN_S)
            one.learn(THEIRS)

    sim.spawn(at_random(sim, f"{PARTNER}/arrivals", rate=rate, until_s=until_s, comes=comes, source=partner))
    sim.spawn(mend())
    sim.run(until_s)
    return Claims({"conservation": {}, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ what it came to
def unread(trace: Trace) -> int:
    """Return how often a reader went without a night; what the layer sets aside no reader has."""
    return sum(len(READERS) if row.place == LAYER else 1 for row in trace.of("set_aside"))
