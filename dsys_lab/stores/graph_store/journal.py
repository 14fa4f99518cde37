"""A change of the graph as one record of the log: new terms, statements added, statements removed.

::

    record   "C" | u32 terms, bytes | u32 added | u32 removed | orders: one byte | terms as JSON | keys of 32 bytes
    record   "K" | JSON: generation, statements, pages of each run             a checkpoint: look there, go on from here

`orders` says for which indexes the record speaks, a bit each: all, in a store that is meant to survive.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dsys_lab.errors import Damaged
from dsys_lab.stores.graph_store.quads import ORDERS
from dsys_lab.stores.graph_store.sorted_run import KEY, Key
from dsys_lab.stores.graph_store.terms import Term

_HEAD: Final = struct.Struct(">cIIIB")
ALL: Final = (1 << len(ORDERS)) - 1


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does: statements stand in the order S P O G."""

    terms: Sequence[Term] = ()
    added: Sequence[Key] = ()
    removed: Sequence[Key] = ()
    orders: int = ALL

    def speaks_for(self, order: str) -> bool:
        """Whether this record changes the index of `order`."""
        return bool(self.orders >> ORDERS.index(order) & 1)

    def encode(self) -> bytes:
        """Return the record."""
        terms = encode_terms(self.terms)
        head = _HEAD.pack(b"C", len(terms), len(self.added), len(self.removed), self.orders)
        return head + terms + b"".join(KEY.pack(*key) for key in (*self.added, *self.removed))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which files hold everything up to here.

    Attributes
    ----------
    generation : int
        Part of the files' names.
    orders : dict
        Index -> pages of its run.
    count, terms, terms_bytes : int
        Statements, terms, and the size of the file of terms.
    """

    generation: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    count: int = 0
    terms: int = 0
    terms_bytes: int = 0

    def encode(self) -> bytes:
        """Return the record."""
        return b"K" + json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()


def decode(payload: bytes) -> Change | Checkpoint:
    """Return what a record says."""
    if payload[:1] == b"K":
        return Checkpoint(**json.loads(payload[1:]))
    if payload[:1] != b"C":
        raise Damaged(f"a record begins with {payload[:1]!r}: this log is not a graph's; open it with what wrote it")
    _, terms_bytes, added, removed, orders = _HEAD.unpack_from(payload)
    body = payload[_HEAD.size + terms_bytes :]
    keys = list(KEY.iter_unpack(body))
    if len(keys) != added + removed:
        raise Damaged(f"a record of {added} + {removed} statements holds {len(keys)}; restore the log from a copy")
    return Change(decode_terms(payload[_HEAD.size : _HEAD.size + terms_bytes]), keys[:added], keys[added:], orders)


def encode_terms(terms: Sequence[Term]) -> bytes:
    """Return terms as JSON: a pair each."""
    return json.dumps([list(term) for term in terms], ensure_ascii=False, separators=(",", ":")).encode()


def decode_terms(data: bytes) -> list[Term]:
    """Return the terms that `encode_terms` wrote."""
    return [Term(role, value) for role, value in json.loads(data)]
