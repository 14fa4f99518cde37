"""External configuration store: a setting in each program, or in one place that all of them ask.

Four scorers call a night *short* below so many hours. On Monday that number changes. Where it is part of the program,
a new release goes out, one scorer after the other, and each is down while it restarts. Where it lies in a store, each
scorer asks for it now and then and goes on. Both have a time in which two scorers disagree about one night.

A scorer that cannot reach the store keeps the number that it has; one that starts without any refuses all nights, for a
guess would be a score that nobody can explain.

Source: Azure Architecture Center, "External Configuration Store".
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream

WAYS: Final = ("in each program", "in a store")
WEARABLES, STORE = "wearables", "settings"
OLD_H, NEW_H = 6.0, 7.0
LOOKS_AGAIN_S: Final = 1.0
"""How often somebody who wants to change the setting looks whether the store is up."""
Setting = tuple[float, int]
"""Hours below which a night is short, and the number of that change."""


class Settings(Machine):
    """The store: keeps the setting on its disk, and tells it to who asks."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation, STORE)
        self.disk["setting"] = (OLD_H, 1)

    def change(self) -> None:
        """Write the new setting."""
        self.disk["setting"] = (NEW_H, 2)
        self.simulation.emit("change", STORE, None, table=STORE, op="update", key="short below", position=2)

    def asked(self) -> Setting:
        """Say what the setting is."""
        hours, number = setting = self.disk["setting"]
        key = f"short below {hours:g} h"
        self.simulation.emit("look", STORE, None, view=STORE, key=key, position=number, behind_us=0)
        return setting


class Scorer(Machine):
    """Scores nights by the setting that it has.

    Parameters
    ----------
    store : Settings or None
        Where the setting is; None: in the program, which lies on the scorer's own disk.
    asks_every_s : float
        How often it asks the store.
    """

    def __init__(self, simulation: Simulation, name: str, store: Settings | None, asks_every_s: float) -> None:
        super().__init__(simulation, name)
        self.store, self.asks_every_s = store, asks_every_s
        self.setting: Setting | None = None
        self.disk["program"] = (OLD_H, 1)

    def boot(self) -> None:
        """Begin with what the program says, or ask."""
        self.setting = None
        if self.store is None:
            self._take(self.disk["program"])
        else:
            self.spawn(self._ask(self.store))

    def _ask(self, store: Settings) -> Body:
        pause_s = self.asks_every_s * self.simulation.stream(f"{self.name}/first pause")()  # else all ask at once
        while True:
            if store.is_reached_by(self.name):
                self._take(store.asked())
            else:
                self.simulation.emit("empty", self.name, source=STORE)
            yield self.simulation.sleep(pause_s)
            pause_s = self.asks_every_s

    def _take(self, setting: Setting) -> None:
        if setting != self.setting:
            self.setting = setting
            self.simulation.emit("gauge", self.name, name="short below", value=setting[0], unit="hours")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Score a night."""
        simulation = self.simulation
        if self.setting is None:
            simulation.emit("reject", self.name, message, why="it has no setting yet", copy=copy)
        else:
            hours, number = self.setting
            key = "short" if body["hours"] < hours else "fine"
            simulation.emit("effect", self.name, message, key=key, setting=number, copy=copy)
            simulation.emit("finish", self.name, message, attempt=1, copy=copy)

    def release(self, restart_s: float) -> None:
        """Install the new program and start it; who is down is passed over, and comes back with the old one."""
        if not self.up:
            return
        self.disk["program"] = (NEW_H, 2)
        self.crash()
        self.simulation.after(restart_s, self.restart)


@scenario("the setting is {way}")
def settings(
    sim: Simulation,
    *,
    way: str = "in each program",
    scorers: int = 4,
    rate: float = 4.0,
    changed_at_s: float = 10.0,
    restart_s: float = 3.0,
    asks_every_s: float = 5.0,
    until_s: float = 30.0,
) -> Claims:
    """At `changed_at_s` a setting changes; a program restarts for it in `restart_s`, or asks each `asks_every_s`."""
    require_choice("way", way, WAYS)
    require_positive(scorers=scorers, rate=rate, changed_at_s=changed_at_s, restart_s=restart_s, until_s=until_s)
    require_positive(asks_every_s=asks_every_s)
    store = Settings(sim) if way == "in a store" else None
    names = [f"scorer-{number}" for number in range(1, scorers + 1)]
    hosts = [Scorer(sim, name, store, asks_every_s) for name in names]

    def comes(number: int, chance: Stream) -> None:
        night, hours = f"n{number}", 4 + 5 * chance()
        sim.emit("publish", WEARABLES, night, attempt=1)
        sim.network.send(WEARABLES, names[number % scorers], night, {"hours": hours})

    def roll_out() -> Body:
        yield sim.sleep(changed_at_s)
        if store:
            while not store.up:
                yield sim.sleep(LOOKS_AGAIN_S)
            store.change()
            return
        for host in hosts:
            host.release(restart_s)
            yield sim.sleep(restart_s)

    wearables = Machine(sim, WEARABLES)
    sim.spawn(at_random(sim, f"{WEARABLES}/arrivals", rate=rate, until_s=until_s, comes=comes, source=wearables))
    sim.spawn(roll_out())
    sim.run(until_s)
    return Claims({"conservation": {}, "nothing lost": {}})
