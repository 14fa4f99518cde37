"""A store that looks inside of what it keeps.

Question: a key-value store finds a document by its key and knows nothing else of it. What does it take to find it by
anything that stands in it, and what does that cost?

How it works: a *document* is a tree of names and values (`documents`), kept as bytes (`tlv`). An *index* is a sorted
shelf of cards with the values at some paths (`index_keys`, `indexes`). A *filter* is read into conditions (`filters`);
the *planner* counts what each shelf would cost and takes the cheapest (`planner`), the plan is carried out in stages
that count what they look at (`execution`), and a pipeline adds up (`aggregation`). An *update* says what to do and not
what comes of it (`updates`). A change is one record of a journal (`journal`) and then a change of memory (`kept`).
`collection` has the verbs; `apart` is what goes wrong where a document and its cards are written down apart.

The collection promises
-----------------------
1. A question has the same answer over every index and over none.
2. Every card has its document and every document its cards: after each call, and after a crash at any moment.
3. What was acknowledged is there after a crash, whole; what was refused left no trace.
4. One document changes at once. Two that are counted up by `$inc` are both counted.

Cost: a question examines the cards of a stretch and opens their documents, or opens all; a write encodes a whole
document, writes one record, and moves as many cards as it has values on the shelves.

Left out: several documents at once (a transaction), pages and checkpoints (lab 02 and 08 have them), shards, change
streams, projections, upserts.

Sources: the API is MongoDB's, for which Amazon DocumentDB has an engine of its own: Amazon DocumentDB Developer Guide,
"How it works", "MongoDB compatibility"; MongoDB manual. Kleppmann, *Designing Data-Intensive Applications*, ch. 2.
"""

from dsys_lab.stores.document_store.apart import CardsApart
from dsys_lab.stores.document_store.collection import Changed, Collection, CollectionStatus
from dsys_lab.stores.document_store.documents import Document, values_at
from dsys_lab.stores.document_store.execution import Explained, Stage
from dsys_lab.stores.document_store.filters import read_filter
from dsys_lab.stores.document_store.index_keys import emitted, interval_of
from dsys_lab.stores.document_store.indexes import PathIndex
from dsys_lab.stores.document_store.planner import COLLSCAN, plan
from dsys_lab.stores.document_store.tlv import DOCUMENT_BYTES_MAX, decode, encode, size_bytes
from dsys_lab.stores.document_store.updates import changed, changes_of, read_update

__all__ = [
    "COLLSCAN",
    "DOCUMENT_BYTES_MAX",
    "CardsApart",
    "Changed",
    "Collection",
    "CollectionStatus",
    "Document",
    "Explained",
    "PathIndex",
    "Stage",
    "changed",
    "changes_of",
    "decode",
    "emitted",
    "encode",
    "interval_of",
    "plan",
    "read_filter",
    "read_update",
    "size_bytes",
    "values_at",
]
