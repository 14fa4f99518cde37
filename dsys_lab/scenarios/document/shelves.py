"""A question slides along a shelf of cards, picks some, and opens trees.

`along_the_shelf` is the picture of the lab: profiles as trees, one index as a shelf, and one question. Each row of the
trace carries what stands on its card or in its tree, so that a chart can draw them (`charts.shelf_and_trees`), and the
player shows the same rows as tiles: green was wanted, yellow was looked at in vain, grey was left alone.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.scenarios.document.profiles import collection_of, paths_of, profiles_of, question_of
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.stores.document_store import COLLSCAN, Collection
from dsys_lab.stores.document_store.execution import DOCUMENTS
from dsys_lab.trace import Recorder, Scalar

ROW_S: Final = 0.15
PEOPLE_MOST: Final = 400


class _Slow:
    """A recorder that lets time pass between rows, says what stands on each card and tree, and counts."""

    def __init__(self, sim: Simulation, collection: Collection, people: int, seed: int) -> None:
        self._sim, self._collection = sim, collection
        self._profiles = profiles_of(people, seed=seed)
        self.seen: dict[tuple[Scalar, Scalar], None] = {}
        self.counts = {"cards looked at": 0, "documents opened": 0, "of these in vain": 0}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, a little later than the one before."""
        file, number = fields["file"], int(fields["page"] or 0)
        self._sim.run(self._sim.now_s + ROW_S)
        self.seen[file, number] = None
        self._sim.emit(kind, place, message, **fields, words=self.words(str(file), number))
        vain = kind == "document_read" and not fields["used_bytes"]
        for name, more in (
            ("cards looked at", kind == "card_read"), ("documents opened", kind == "document_read"),
            ("of these in vain", vain),
        ):  # fmt: skip
            if more:
                self.counts[name] += 1
                self._sim.emit("gauge", place, name=name, value=self.counts[name], unit="")

    def words(self, file: str, number: int) -> str:
        """Return what stands on a card, or in a tree."""
        if file == DOCUMENTS:
            return tree_of(self._profiles[number])
        *values, _ = self._collection.shelf(file)[number]
        return " ".join("none" if value is None else str(value) for value in values)


def tree_of(profile: dict[str, Any]) -> str:
    """Return a profile as lines: its number, city, minutes, and a line for each device.

    >>> tree_of({"_id": 3, "city": "Oslo", "sleep": {"minutes": 435}, "devices": [{"kind": "ring", "fw": 2}]})
    '3|Oslo|435|ring 2'
    """
    devices = [f"{one['kind']} {one['fw']}" for one in profile["devices"]]
    return "|".join([str(profile["_id"]), profile["city"], str(profile["sleep"]["minutes"]), *devices])


@scenario("{question}; index: {index}")
def along_the_shelf(
    sim: Simulation, *, question: str = "a ring with firmware 3", index: str = "kind of device", people: int = 24
) -> Claims:
    """One question over one index: cards that are looked at, trees that are opened, trees that are opened in vain.

    Parameters
    ----------
    question, index : str
        Of `profiles.QUESTIONS` and `profiles.INDEXES`; without an index all documents are opened.
    people : int
        How many profiles there are, 400 at most.
    """
    require_positive(people=people)
    if people > PEOPLE_MOST:
        raise BadParameter(f"people = {people!r}: give {PEOPLE_MOST} at most, for each is drawn")
    paths, asked = paths_of(index), question_of(question)
    collection = collection_of(people, *([paths] if paths else []), seed=sim.seed)
    slow = _Slow(sim, collection, people, sim.seed)
    recorder: Recorder = slow
    collection.recorder = recorder
    name = ", ".join(paths) or COLLSCAN
    told = collection.explain(asked, hint=name)
    files = {DOCUMENTS: people, **({name: len(collection.shelf(name))} if paths else {})}
    for file, count in files.items():
        for number in range(count):
            if (file, number) not in slow.seen:
                why = "no card leads to it" if file == DOCUMENTS else "it lies outside the stretch"
                owner = -1 if file == DOCUMENTS else int(collection.shelf(file)[number][-1])
                sim.emit(
                    "block_skip", collection.place, file=file, block=number, why=why, slot=owner,
                    words=slow.words(file, number),
                )  # fmt: skip
    in_vain = told.docs_examined - told.returned
    text = f"{told.keys_examined} cards looked at, {told.docs_examined} documents opened, {in_vain} of them in vain"
    sim.emit("note", collection.place, text=text)
    sim.run()
    return Claims()
