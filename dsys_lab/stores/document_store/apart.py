"""What if a document and its cards are written down apart?

The simplest wrong thing beside `Collection`: the document is one record, its cards are the next, each made durable as
it is written. Between the two lies a moment. Who loses power there has a document that no shelf knows of: a search
over the index does not find it, a look at every document does, and nothing ever mends it.

Left out: all that is not needed to see this. One index, inserts only, no question but one for equality.
"""

from __future__ import annotations

from typing import Any

from dsys_lab.errors import Damaged
from dsys_lab.stores.document_store import tlv
from dsys_lab.stores.document_store.documents import Document, names_of, require_document, values_at
from dsys_lab.stores.document_store.index_keys import key_of
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk


class CardsApart:
    """Documents and the cards of one path, in two records.

    Parameters
    ----------
    disk : Disk
    path : str
        What is indexed.
    """

    def __init__(self, disk: Disk, path: str) -> None:
        self.path = names_of(path)
        self._documents: list[Document] = []
        self._cards: list[tuple[bytes, int]] = []
        self._journal = AppendLog(disk, place="apart/journal")
        for record in self._journal.read():
            self._replay(tlv.decode(record.payload))

    def insert(self, document: Document, *, now_us: int = 0) -> None:
        """Write the document; then write its cards."""
        require_document(document)
        for record in ({"document": document}, {"slot": len(self._documents), "cards": self._values(document)}):
            self._journal.append(now_us, tlv.encode(record))
            self._replay(record)

    def _values(self, document: Document) -> list[Any]:
        return list(values_at(document, self.path)) or [None]

    def _replay(self, record: Document) -> None:
        if "document" in record:
            self._documents.append(record["document"])
        elif "cards" in record:
            self._cards = sorted([*self._cards, *((key_of(value), record["slot"]) for value in record["cards"])])
        else:
            raise Damaged("a record that is neither a document nor its cards: this journal is somebody else's")

    def by_index(self, value: Any) -> list[Document]:
        """Return the documents that the shelf knows of under this value."""
        return [self._documents[slot] for key, slot in self._cards if key == key_of(value)]

    def by_looking(self, value: Any) -> list[Document]:
        """Return the documents that have this value, after opening each."""
        wanted = key_of(value)
        return [one for one in self._documents if any(key_of(found) == wanted for found in self._values(one))]

    def violations(self) -> list[str]:
        """Return the documents without a card, in words."""
        known = {slot for _, slot in self._cards}
        return [f"document {slot} has no card" for slot in range(len(self._documents)) if slot not in known]
