"""What a collection holds in memory: documents by number, and shelves of cards that follow from them.

`prepared` works out what a document would come to and refuses it if it breaks a rule; `put` and `remove` cannot fail.
The live path and the replay of a journal go through the same two, so both come to the same.

The invariant, which `violations` checks: every card has its document, and every document has its cards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from dsys_lab.errors import Damaged, Refused
from dsys_lab.stores.document_store import journal, tlv
from dsys_lab.stores.document_store.documents import Document
from dsys_lab.stores.document_store.filters import All, read_filter
from dsys_lab.stores.document_store.indexes import Card, PathIndex, Shelf
from dsys_lab.stores.document_store.updates import changed

BY_ID: Final = PathIndex(("_id",), unique=True)


class Prepared(NamedTuple):
    """A document that may be: its bytes, and its cards by index."""

    data: bytes
    cards: dict[str, list[Card]]


class Moved(NamedTuple):
    """Cards of one index that were taken away and put up."""

    shelf: str
    gone: Sequence[Card]
    new: Sequence[Card]


class Kept:
    """Documents and their cards."""

    def __init__(self) -> None:
        self.heap: dict[int, bytes] = {}
        self.shelves: dict[str, Shelf] = {BY_ID.name: Shelf(BY_ID)}
        self.validator: All | None = None
        self.next_slot = 0

    def prepared(self, document: Document, slot: int) -> Prepared:
        """Return what a document would come to.

        Raises
        ------
        Refused
            If it is too large, the validator says no, or a unique card is taken.
        """
        data = tlv.encode_document(document)
        if self.validator is not None and not self.validator.matches(document):
            raise Refused(f"_id {document['_id']!r}: the validator says no; mend the document, or change the validator")
        cards = {name: shelf.index.cards(document, slot) for name, shelf in self.shelves.items()}
        for name, shelf in self.shelves.items():
            self._require_room(shelf, cards[name], slot)
        return Prepared(data, cards)

    def put(self, slot: int, prepared: Prepared) -> list[Moved]:
        """Keep a document, in the place of the one of its number if there is one."""
        old = self.cards_of(slot)
        self.heap[slot] = prepared.data
        self.next_slot = max(self.next_slot, slot + 1)
        return [self._moved(name, old.get(name, []), new) for name, new in prepared.cards.items()]

    def remove(self, slot: int) -> list[Moved]:
        """Let a document go."""
        old = self.cards_of(slot)
        del self.heap[slot]
        return [self._moved(name, cards, []) for name, cards in old.items()]

    def _moved(self, name: str, old: Sequence[Card], new: Sequence[Card]) -> Moved:
        before, after = {card.key for card in old}, {card.key for card in new}
        moved = Moved(name, [one for one in old if one.key not in after], [one for one in new if one.key not in before])
        self.shelves[name].take(moved.gone)
        self.shelves[name].add(moved.new, among=new)
        return moved

    def cards_of(self, slot: int) -> dict[str, list[Card]]:
        """Return the cards of a document by index; none, if there is no such document."""
        if slot not in self.heap:
            return {}
        document = tlv.decode(self.heap[slot])
        return {name: shelf.index.cards(document, slot) for name, shelf in self.shelves.items()}

    def filled(self, index: PathIndex) -> Shelf:
        """Return a shelf with the cards of all documents.

        Raises
        ------
        Refused
            If two of them have the same card on a unique one.
        """
        shelf = Shelf(index)
        for slot, data in self.heap.items():
            cards = index.cards(tlv.decode(data), slot)
            self._require_room(shelf, cards, slot)
            shelf.add(cards)
        return shelf

    def _require_room(self, shelf: Shelf, cards: Sequence[Card], slot: int) -> None:
        taken = shelf.taken(cards, slot)
        if taken is not None:
            values, holder = ", ".join(map(repr, taken.values)), tlv.decode(self.heap[taken.slot])["_id"]
            raise Refused(
                f"({shelf.index.name}) = ({values:.60}) is taken, by _id {holder!r:.60}: the index is unique; "
                f"give another value, or change that document"
            )

    # ------------------------------------------------------------ replay
    def replay(self, payload: bytes) -> None:
        """Do again what a record of the journal says.

        Raises
        ------
        Damaged
            If it does not fit what came before.
        """
        told = journal.read(payload)
        try:
            match told["what"]:
                case "insert":
                    self._put_again(self.next_slot, told["document"])
                case "whole":
                    self._put_again(told["slot"], told["document"])
                case "delta":
                    self._put_again(told["slot"], changed(tlv.decode(self.heap[told["slot"]]), told["changes"]))
                case "delete":
                    self.remove(told["slot"])
                case "index":
                    self.shelves[told["index"].name] = self.filled(told["index"])
                case "drop":
                    del self.shelves[told["name"]]
                case "validator":
                    self.validator = None if told["filter"] is None else read_filter(told["filter"])
        except (KeyError, Refused) as error:
            raise Damaged(f"a record {told['what']!r} that does not fit what came before ({error})") from error

    def _put_again(self, slot: int, document: Document) -> None:
        self.put(slot, self.prepared(document, slot))

    def violations(self) -> list[str]:
        """Return every card without its document, and every document without its card, in words."""
        wrong = []
        by_slot = {slot: self.cards_of(slot) for slot in self.heap}
        for name, shelf in self.shelves.items():
            wanted = sorted(card.key for cards in by_slot.values() for card in cards[name])
            there = [card.key for card in shelf]
            wrong += [f"{name}: a card of document {card.slot} too much" for card in shelf if card.key not in wanted]
            wrong += [f"{name}: a card is missing" for key in wanted if key not in there]
            wrong += [f"{name}: the cards are not in order"] if there != sorted(there) else []
        return wrong
