"""How is a plan carried out, and what did it look at?

Stages hand documents to each other, the first at the bottom::

    IXSCAN     goes along a stretch of a shelf, card by card
    FETCH      opens the document of a card and tests the whole filter on it
    COLLSCAN   opens every document and tests it
    SORT       keeps all and puts them in order
    LIMIT      stops when there are enough

Three numbers say whether the way was good: `keys_examined` (cards), `docs_examined` (documents opened) and `returned`.
A document that was opened and not returned was opened in vain; one that several cards of a multikey shelf lead to is
opened once.

Each card and each document leaves a row: `card_read` and `document_read`, with `used_bytes` of 0 if in vain.

Source: MongoDB manual, "Explain results" (the names of stages and counters).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dsys_lab.stores.document_store.documents import Document, names_of, values_at
from dsys_lab.stores.document_store.index_keys import key_of
from dsys_lab.stores.document_store.indexes import Card, Shelf
from dsys_lab.stores.document_store.planner import Choice, Query, Way
from dsys_lab.stores.document_store.tlv import decode
from dsys_lab.trace import Recorder

DOCUMENTS: Final = "documents"
"""The file of documents in a trace; the others are named after their indexes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a plan as it was carried out: its name, over what it went, how many it handed on."""

    name: str
    on: str
    returned: int


@dataclass(frozen=True, slots=True)
class Explained:
    """What a question came to.

    Attributes
    ----------
    stages : tuple of Stage
        The first at the bottom, as they ran.
    keys_examined, docs_examined, returned : int
        Cards looked at, documents opened, documents in the answer.
    considered : tuple of (str, int)
        Every way and its cost as estimated.
    """

    stages: tuple[Stage, ...]
    keys_examined: int
    docs_examined: int
    returned: int
    considered: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        """Return one line a stage, the last on top, and the counters."""
        lines = [f"{stage.name} {stage.on}".rstrip() + f": {stage.returned}" for stage in reversed(self.stages)]
        shown = [("  " * depth) + line for depth, line in enumerate(lines)]
        costs = ", ".join(f"{name} {cost}" for name, cost in self.considered)
        examined = f"keys examined {self.keys_examined}, documents examined {self.docs_examined}"
        return "\n".join([*shown, f"{examined}, returned {self.returned}", f"considered: {costs}"])


@dataclass(frozen=True, slots=True)
class Answer:
    """The documents that were asked for, each with its number, and how they were found."""

    slots: tuple[int, ...]
    documents: tuple[Document, ...]
    explained: Explained


@dataclass(slots=True)
class Reader:
    """Goes along shelves and opens documents, and counts."""

    heap: Mapping[int, bytes]
    recorder: Recorder
    place: str
    now_us: int
    keys: int = 0
    opened: int = 0
    handed: dict[str, int] = field(default_factory=dict)

    def cards(self, shelf: Shelf, way: Way, *, backwards: bool) -> Iterator[Card]:
        """Give the cards of a way that pass what is tested on cards."""
        for interval in reversed(way.intervals) if backwards else way.intervals:
            span = shelf.span(interval)
            for place in reversed(span) if backwards else span:
                card = shelf[place]
                passes = all(compare.fits(card.values[which]) for which, compare in way.on_card)
                self.keys += 1
                self.recorder.emit(
                    self.now_us, "card_read", self.place, file=shelf.index.name, page=place, slot=card.slot,
                    size_bytes=len(card.key), used_bytes=len(card.key) if passes else 0,
                )  # fmt: skip
                if passes:
                    yield card

    def matching(self, slots: Iterator[int], wanted: Callable[[Document], bool]) -> Iterator[tuple[int, Document]]:
        """Open documents, each once, and give those that match."""
        seen = set[int]()
        for slot in slots:
            if slot in seen:
                continue
            seen.add(slot)
            document = decode(self.heap[slot])
            fits, size = wanted(document), len(self.heap[slot])
            self.opened += 1
            self.recorder.emit(
                self.now_us, "document_read", self.place, file=DOCUMENTS, page=slot, size_bytes=size,
                used_bytes=size if fits else 0,
            )  # fmt: skip
            if fits:
                yield slot, document


def run(query: Query, choice: Choice, shelves: Mapping[str, Shelf], reader: Reader) -> Answer:
    """Carry out a plan."""
    way, stages = choice.way, list[Stage]()
    passed = 0

    def slots() -> Iterator[int]:
        nonlocal passed
        for card in reader.cards(shelves[way.name], way, backwards=query.falls and way.in_order):
            passed += 1
            yield card.slot

    source = slots() if way.index else iter(list(reader.heap))
    found = reader.matching(source, query.filter.matches)
    stops_early = way.in_order and query.limit is not None
    matched = list(islice(found, query.limit) if stops_early else found)
    if way.index:
        stages += [Stage("IXSCAN", way.name, passed), Stage("FETCH", "", len(matched))]
    else:
        stages.append(Stage("COLLSCAN", "", len(matched)))
    if not way.in_order:
        matched.sort(key=lambda pair: sort_key(pair[1], query), reverse=query.falls)
        stages.append(Stage("SORT", ", ".join(query.sort), len(matched)))
    if query.limit is not None:
        matched = matched[: query.limit]
        stages.append(Stage("LIMIT", str(query.limit), len(matched)))
    told = Explained(tuple(stages), reader.keys, reader.opened, len(matched), choice.considered)
    return Answer(tuple(slot for slot, _ in matched), tuple(document for _, document in matched), told)


def sort_key(document: Document, query: Query) -> tuple[Any, ...]:
    """Return what a document is sorted by: of several values the smallest, or the largest if the order falls."""
    extreme = max if query.falls else min
    found = ([key_of(value) for value in values_at(document, names_of(path))] for path in query.sort_paths)
    return tuple(extreme(keys) if keys else key_of(None) for keys in found)
