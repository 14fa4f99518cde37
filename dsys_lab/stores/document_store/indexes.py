"""A shelf of cards: the index of some paths, in order.

Each document puts up a card with its values at the paths and its own number; a document with an array puts up a card
for each element (the index is *multikey* then). The cards stand in the order of what is written on them, first path
first, so those with the same first value are neighbours, and among them those with the same second. ::

    (city, minutes)    | Bergen 390 -> 7 | Bergen 441 -> 2 | Oslo 402 -> 9 | Oslo 433 -> 1 | Oslo 433 -> 4 | ...

- *unique*: no two documents may put up the same card. Absent counts as null, so one document may lack the paths.
- *sparse*: who has none of the paths puts up no card. So such an index does not know of all documents, and is of use
  only to a question that does not ask for absent ones.

Cost: a card is found in O(log n) comparisons; a document costs a card a path, or as many as its array has elements, on
every shelf, at every write that changes them.

Left out: pages. The shelf is in memory and made anew from the journal at opening; how a tree keeps such an order on
disk is `structures/b_tree`, and the picture there is the same. Falling order for some of the paths.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter
from dsys_lab.stores.document_store.documents import Document, names_of
from dsys_lab.stores.document_store.index_keys import ABSENT, BEYOND, Interval, emitted, key_of

SLOT_BYTES: Final = 8


class Card(NamedTuple):
    """What stands on a shelf: its place in the order, the document's number, and the values."""

    key: bytes
    slot: int
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PathIndex:
    """Which paths are indexed, and how.

    Attributes
    ----------
    paths : tuple of str
        The first decides first.
    unique, sparse : bool
    """

    paths: tuple[str, ...]
    unique: bool = False
    sparse: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.paths, tuple) or not self.paths:
            raise BadParameter(f"an index of {self.paths!r:.60}: give paths, ('city', 'minutes')")
        for path in self.paths:
            names_of(path)
        if not isinstance(self.unique, bool) or not isinstance(self.sparse, bool):
            raise BadParameter(f"unique = {self.unique!r:.30}, sparse = {self.sparse!r:.30}: give True or False")
        if len({*self.paths}) < len(self.paths):
            raise BadParameter(f"an index of {', '.join(self.paths)}: give each path once")

    @property
    def name(self) -> str:
        """What it is called."""
        return ", ".join(self.paths)

    def cards(self, document: Document, slot: int) -> list[Card]:
        """Return the cards of a document, in their order, each once.

        Raises
        ------
        Refused
            If two paths lead into two arrays.
        """
        found = emitted(document, [names_of(path) for path in self.paths])
        if self.sparse:
            found = [values for values in found if any(value is not ABSENT for value in values)]
        shown = [tuple(None if value is ABSENT else value for value in values) for values in found]
        tail = slot.to_bytes(SLOT_BYTES, "big")
        by_key = {b"".join(map(key_of, values)) + tail: values for values in shown}
        return [Card(key, slot, by_key[key]) for key in sorted(by_key)]


class Shelf:
    """The cards of one index.

    Attributes
    ----------
    multikey_paths : dict of int to None
        The paths, by position, at which a document ever had several values; once it is there, it stays.

    Examples
    --------
    >>> shelf = Shelf(PathIndex(("tags",)))
    >>> shelf.add(shelf.index.cards({"_id": 1, "tags": ["b", "a"]}, 0))
    >>> [card.values for card in shelf], shelf.is_multikey
    ([('a',), ('b',)], True)
    """

    def __init__(self, index: PathIndex) -> None:
        self.index = index
        self._cards: list[Card] = []
        self.multikey_paths: dict[int, None] = {}

    @property
    def is_multikey(self) -> bool:
        """Whether a document ever put up more than one card."""
        return bool(self.multikey_paths)

    def __len__(self) -> int:
        return len(self._cards)

    def __iter__(self) -> Iterator[Card]:
        return iter(self._cards)

    def add(self, cards: Sequence[Card], *, among: Sequence[Card] | None = None) -> None:
        """Put cards of one document where they belong; `among` are all it has, if some stand here already."""
        for card in cards:
            insort(self._cards, card, key=attrgetter("key"))
        all_cards = cards if among is None else among
        for place in range(len(self.index.paths)) if len(all_cards) > 1 else ():
            if len({key_of(card.values[place]) for card in all_cards}) > 1:
                self.multikey_paths[place] = None

    def take(self, cards: Sequence[Card]) -> None:
        """Take cards away."""
        for card in cards:
            del self._cards[self.place(card.key)]

    def place(self, key: bytes) -> int:
        """Return where a card stands, or would stand, from the left."""
        return bisect_left(self._cards, key, key=attrgetter("key"))

    def span(self, interval: Interval) -> range:
        """Return the places of the cards between."""
        return range(self.place(interval.low), self.place(interval.high))

    def __getitem__(self, place: int) -> Card:
        return self._cards[place]

    def taken(self, cards: Sequence[Card], slot: int) -> Card | None:
        """Return the card of another document that says the same as one of these, if the index is unique."""
        for card in cards if self.index.unique else ():
            key = card.key[:-SLOT_BYTES]
            for place in self.span(Interval(key, key + BEYOND)):
                if self._cards[place].slot != slot:
                    return self._cards[place]
        return None
