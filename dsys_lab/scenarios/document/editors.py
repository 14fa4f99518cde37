"""Two apps and a watch count nights in the same profile, at the same time.

Three ways to add one: read the document, add, and send it back whole (`replace`); the same, but only if it still is
the version that was read, and else again (`version`); or say what is to be done and let the store do it (`inc`). The
store does one call at a time, whole; what goes wrong goes wrong between two calls. Each write that undoes another is a
`check` that does not hold, and the last check is of them all.

Source: the anomaly is the *lost update* of every textbook; here it happens with a store that is atomic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.stores.document_store import Changed, Collection
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("replace", "version", "inc")
STORE: Final = "profile"
NAMES: Final = ("watch", "phone", "web", "tablet", "tv", "car", "clock", "mat")
PROFILE: Final = 17


class Store(Machine):
    """Answers each call as it comes, one after the other."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation, STORE)
        self.profiles = Collection(VolatileDisk(), fsync=NEVER)
        self.profiles.insert({"_id": PROFILE, "nights": 0, "version": 0})

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Do what is asked and answer; a write that was done and left no night more has undone another one."""
        before, answer = self.nights, body["call"](self.profiles)
        nights = self.nights
        if isinstance(answer, Changed) and answer.matched and nights <= before:
            name = f"{message} is a night more"
            self.simulation.emit("check", STORE, message, name=name, ok=False, expected=before + 1, got=nights)
        self.simulation.emit("gauge", STORE, name="nights in the profile", value=nights, unit="")
        told = {"type": f"{nights} nights", "answer": answer}
        self.simulation.network.answer(STORE, source, message, told, copy=copy)

    @property
    def nights(self) -> int:
        """What the profile says."""
        return int(self.profiles.find({"_id": PROFILE})[0]["nights"])


class Editor(Machine):
    """Adds one night, and thinks, and adds one."""

    def __init__(self, simulation: Simulation, name: str, *, way: str, edits: int, think_s: float) -> None:
        super().__init__(simulation, name)
        self.way, self.edits, self.think_s = way, edits, think_s
        self._answers: dict[str, Any] = {}
        self.again = 0

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._work())

    def _work(self) -> Body:
        chance = self.simulation.stream(f"{self.name}/pace")
        for number in range(1, self.edits + 1):
            yield self.simulation.sleep(chance() * self.think_s)
            edit = f"{self.name} {number}"
            self.simulation.emit("publish", self.name, edit, attempt=1, copy=0)
            attempt = 1
            while not (yield from self._added(edit, chance)):
                attempt += 1
                self.again += 1
                self.simulation.emit("fail", self.name, edit, why="somebody else was first", attempt=attempt)
            self.simulation.emit("finish", self.name, edit, attempt=attempt, copy=0)

    def _added(self, edit: str, chance: Callable[[], float]) -> Body:
        """Try to add one; return whether it was done."""
        wanted: dict[str, Any] = {"_id": PROFILE}
        if self.way == "inc":
            done = yield from self._ask(edit, "+1", lambda store: store.update_one(wanted, {"$inc": {"nights": 1}}))
            return done.matched
        (read,) = yield from self._ask(edit, "read", lambda store: store.find(wanted))
        yield self.simulation.sleep(chance() * self.think_s)
        after = {**read, "nights": read["nights"] + 1, "version": read["version"] + 1}
        if self.way == "version":
            wanted = {**wanted, "version": read["version"]}
        words = f"now {after['nights']}" + (f", if {read['nights']}" if self.way == "version" else "")
        done = yield from self._ask(edit, words, lambda store: store.replace_one(wanted, after))
        return done.matched

    def _ask(self, edit: str, words: str, call: Callable[[Collection], Any]) -> Body:
        copy = self.simulation.network.next_copy(edit)
        heard = self._answers[edit] = self.simulation.event()
        self.simulation.network.send(self.name, STORE, edit, {"type": words, "call": call}, copy=copy)
        yield heard
        return heard.value

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take an answer."""
        self._answers[message].succeed(body["answer"])


@scenario("{way}")
def edits_at_once(
    sim: Simulation, *, way: str = "replace", editors: int = 3, edits: int = 4, think_s: float = 1.0
) -> Claims:
    """Some editors add one to the same number, each a few times; what does it say in the end?

    Parameters
    ----------
    way : str
        "replace" the document that was read, replace it if its "version" is still the same, or "inc".
    editors, edits : int
        How many, and how many edits each makes.
    think_s : float
        The longest pause between two calls.
    """
    require_choice("way", way, WAYS)
    require_positive(editors=editors, edits=edits, think_s=think_s)
    if editors > len(NAMES):
        raise BadParameter(f"editors = {editors!r}: give 1 to {len(NAMES)}")
    sim.network.delay = lambda _: 0.08
    store = Store(sim)
    machines = [Editor(sim, name, way=way, edits=edits, think_s=think_s) for name in NAMES[:editors]]
    sim.run()
    made = editors * edits
    got = store.nights
    sim.emit("gauge", STORE, name="tried again", value=sum(one.again for one in machines), unit="edits")
    sim.emit("check", STORE, name="every edit is counted", ok=got == made, expected=made, got=got)
    return Claims({"checks hold": {}}, {"nights in the profile": {"value": made, "label": "edits that were made"}})
