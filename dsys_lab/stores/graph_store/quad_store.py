"""Statements that survive, in as many orders as one likes to pay for.

Each index is a sorted run on the disk and a list of what came since (`ordered_index`). What came since is also in a
log. A *checkpoint* writes new runs beside the old ones, then says so in one record; whichever side of that record the
power goes, the store opens whole. ::

    write ──> log (durable) ──> lists in memory          open ──> last checkpoint ──> its runs, then the log after it
                                   │ checkpoint
                                   v
              terms-3, spog-3, pogs-3, gpso-3  ──sync──>  log: "generation 3"  ──>  the files of generation 2 go

A statement stands in every index; that must not come apart. *forward* (who is behind S?) and *backward* (what leads to
O?) are two orders of the same statements, and one change is **one record for all orders**. With `one_record=False` it
is a record for each, as if every index had a life of its own: then a crash between two of them leaves an edge that can
be followed in one direction only, and no error tells (`disagreements` does).

The store promises
------------------
1. When `write` returns, the change is durable, in every order; cut short by a crash, it is there whole or not at all.
2. `match` gives each statement that fits once, in the order of the index that was used.
3. Nothing that was damaged is read as if it were whole.

Cost: a `write` is one append and one sync. `match` looks at the keys that begin with the longest prefix that its
pattern knows, `status().keys` counts them.

Left out: merging runs one by one (see `stores.key_value.lsm`); several writers; deleted terms.

Sources: Amazon Neptune User Guide, "How statements are indexed"; Neumann and Weikum, "RDF-3X", VLDB 2008.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.stores.graph_store.journal import Change, Checkpoint, decode, decode_terms, encode_terms
from dsys_lab.stores.graph_store.ordered_index import OrderedIndex
from dsys_lab.stores.graph_store.quads import DEFAULT_ORDERS, ORDERS, TERM_MAX, Quad, arranged, matches, restored, way
from dsys_lab.stores.graph_store.sorted_run import KEYS_A_PAGE, Key, SortedRun, write_run
from dsys_lab.stores.graph_store.terms import Term, Terms
from dsys_lab.structures.append_log import NEVER, AppendLog, segment_names
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder

_CRC_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class QuadStatus:
    """What is there, and what was looked at since the store was opened.

    Attributes
    ----------
    quads, terms : int
    orders : tuple of str
    run_pages : int
        Pages of all runs.
    log_bytes : int
        To be read again after a crash.
    keys : int
        Keys that `match` looked at.
    removed : tuple of str
        Files that no checkpoint names, taken away on opening.
    """

    quads: int
    terms: int
    orders: tuple[str, ...]
    run_pages: int
    log_bytes: int
    keys: int
    removed: tuple[str, ...]


class QuadStore:
    """Statements of four terms.

    Parameters
    ----------
    disk : Disk
        Holds this store and nothing else.
    orders : sequence of str
        The indexes to keep, of `quads.ORDERS`; the same at every opening.
    one_record : bool
        Whether a change is one record for all indexes; otherwise a crash may leave them apart.
    pool_frames : int
        Pages of 8,192 bytes that are kept in memory.
    place : str
    recorder : Recorder

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> store = QuadStore(VolatileDisk())
    >>> ada, knows, ben = (store.term("name", word) for word in ("ada", "knows", "ben"))
    >>> store.write(added=[Quad(ada, knows, ben, 0)])
    >>> [store.terms.of(quad.s).value for quad in store.match(Quad(p=knows, o=ben))]
    ['ada']
    """

    def __init__(
        self,
        disk: Disk,
        *,
        orders: Sequence[str] = DEFAULT_ORDERS,
        one_record: bool = True,
        pool_frames: int = 1_024,
        place: str = "graph",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        way("????", orders)  # refuses orders that are none
        self.disk, self.orders, self.one_record = disk, tuple(orders), one_record
        self.place, self.recorder, self.now_us = place, recorder, now_us
        self.pool = BufferPool(pool_frames)
        others = [name for name in disk.names() if name not in segment_names(disk)]
        if others and not segment_names(disk):
            raise Damaged(f"{others[0]} is there, but its log is not; restore the log's files from a copy")
        self.log = AppendLog(disk, fsync=NEVER, place=f"{place}/log", recorder=recorder, now_us=now_us)
        self._checkpoint = Checkpoint(orders=dict.fromkeys(self.orders, 0))
        self.terms = Terms()
        self._saved_terms = 0
        self._indexes = {order: OrderedIndex(order) for order in self.orders}
        self._count = 0
        self._recover()
        self.removed = self._sweep()

    # ------------------------------------------------------------ write path
    def term(self, role: str, value: bool | float | str) -> int:
        """Return the number of a term, a new one if it is new; it is kept with the next `write`."""
        return self.terms.put(Term(role, value))

    def write(self, added: Iterable[Quad] = (), removed: Iterable[Quad] = ()) -> None:
        """Add and remove statements, all or nothing; durable when it returns.

        Raises
        ------
        Misuse
            If one to be added is there, one to be removed is not, or one is not made of four known terms.
        MayHaveHappened
            If the disk fails.
        """
        plus, minus = self._checked(added, there=False), self._checked(removed, there=True)
        terms = self.terms.since(self._saved_terms)
        if not plus and not minus and not terms:
            return
        for change in self._records(Change(terms, plus, minus)):
            self.log.append(self.now_us, change.encode())
            if not self.one_record:
                self.log.sync(self.now_us)
        self.log.sync(self.now_us)
        self._saved_terms = len(self.terms)
        for order in self.orders:
            self._apply(Change((), plus, minus), order)
        self._count += len(plus) - len(minus)

    def forget_new_terms(self) -> None:
        """Take back terms that were numbered for a change that did not come about."""
        self.terms.forget(self._saved_terms)

    def _records(self, change: Change) -> list[Change]:
        if self.one_record:
            return [change]
        bits = [1 << ORDERS.index(order) for order in self.orders]
        return [
            Change(change.terms if bit == bits[0] else (), change.added, change.removed, bit) for bit in bits
        ]

    def _checked(self, quads: Iterable[Quad], *, there: bool) -> list[Key]:
        keys = list(dict.fromkeys(_as_key(quad, len(self.terms)) for quad in quads))
        for key in keys:
            if self._holds(key) != there:
                said = "is not there" if there else "is there already"
                raise Misuse(f"{key} {said}: add what is new, remove what is there")
        return keys

    def _holds(self, key: Key) -> bool:
        index = self._indexes[self.orders[0]]
        before = index.keys
        found = any(True for _ in index.range(arranged(key, index.order)))
        index.keys = before  # a check is no question of anybody's
        return found

    def _apply(self, change: Change, order: str) -> None:
        index = self._indexes[order]
        for key in change.removed:
            index.remove(arranged(key, order))
        for key in change.added:
            index.add(arranged(key, order))

    # ------------------------------------------------------------ read path
    def match(self, pattern: Quad) -> Iterator[Quad]:
        """Give the statements that have what the pattern knows."""
        chosen = way(pattern.letters, self.orders)
        index = self._indexes[chosen.order]
        if index.run:
            index.run.now_us = self.now_us
        for known in self._predicates() if chosen.skips else (None,):
            wanted = pattern._replace(p=known) if chosen.skips else pattern
            prefix = [term for letter in chosen.prefix if (term := wanted["SPOG".index(letter)]) is not None]
            before = index.keys
            for key in index.range(prefix):
                if matches(quad := restored(key, chosen.order), pattern):
                    yield quad
            if self.recorder is not NO_TRACE:
                self.recorder.emit(
                    self.now_us, "index_range", self.place, index=chosen.order, prefix=chosen.prefix or "(nothing)",
                    keys=index.keys - before,
                )  # fmt: skip

    def _predicates(self) -> list[int]:
        """Return every predicate there is: a look at one key for each, not a scan."""
        names = [number for number, term in enumerate(self.terms.since(0)) if term.role == "name"]
        return [name for name in names if any(True for _ in self._indexes["POGS"].range((name,)))]

    def watch(self, recorder: Recorder) -> None:
        """Send what is read from now on to another recorder."""
        self.recorder = recorder
        for index in self._indexes.values():
            if index.run:
                index.run.recorder = recorder

    def keys_in_order(self, order: str) -> list[Key]:
        """Return all keys of an index, as it keeps them."""
        if order not in self.orders:
            raise BadParameter(f"order {order!r}: this store keeps {', '.join(self.orders)}")
        return list(self._indexes[order].range())

    def disagreements(self) -> list[str]:
        """Return, in words, where the indexes do not hold the same statements; nothing, if all is well."""
        held = {order: {restored(key, order) for key in self.keys_in_order(order)} for order in self.orders}
        pairs = [pair for order in self.orders[1:] for pair in ((self.orders[0], order), (order, self.orders[0]))]
        return [
            f"{quad} is in {one} and not in {other}" for one, other in pairs for quad in sorted(held[one] - held[other])
        ]

    def status(self) -> QuadStatus:
        """Return what is there and what was looked at."""
        return QuadStatus(
            quads=self._count,
            terms=len(self.terms),
            orders=self.orders,
            run_pages=sum(self._checkpoint.orders.values()),
            log_bytes=self.log.status().size_bytes,
            keys=sum(index.keys for index in self._indexes.values()),
            removed=self.removed,
        )

    # ------------------------------------------------------------ files
    def checkpoint(self) -> None:
        """Write every index as one run; the log begins anew.

        Raises
        ------
        MayHaveHappened
            If the disk fails; what was durable is.
        """
        self.log.sync(self.now_us)
        generation, pages = self._checkpoint.generation + 1, {}
        with self.log.or_break(f"generation {generation}"):
            for order in self.orders:
                count = write_run(self.disk, _file(order, generation), self._indexes[order].range())
                pages[order] = -(-count // KEYS_A_PAGE)
            body = encode_terms(self.terms.since(0))
            terms = zlib.crc32(body).to_bytes(_CRC_BYTES, "big") + body
            self.disk.append(_file("terms", generation), terms)
            self.disk.sync(_file("terms", generation))
            self.disk.sync_names()
        self._checkpoint = Checkpoint(generation, pages, self._count, len(self.terms), len(terms))
        self._saved_terms = len(self.terms)
        self.log.roll(self.now_us)
        lsn = self.log.append(self.now_us, self._checkpoint.encode())
        self.log.sync(self.now_us)
        self.log.drop_before(lsn)
        self._open_runs()
        self._sweep()

    def _recover(self) -> None:
        records = [decode(payload) for _, payload in self.log.read()]
        newest = max((n for n, record in enumerate(records) if isinstance(record, Checkpoint)), default=None)
        if newest is not None:
            found = records[newest]
            assert isinstance(found, Checkpoint)
            if tuple(found.orders) != self.orders:
                raise BadParameter(f"this disk holds {', '.join(found.orders)}; open it with these orders")
            self._checkpoint, self._count = found, found.count
            self.terms = Terms(self._read_terms(found))
            self._open_runs()
        for record in records[0 if newest is None else newest + 1 :]:
            assert isinstance(record, Change)
            for term in record.terms:
                self.terms.put(term)
            for order in self.orders:
                if record.speaks_for(order):
                    self._apply(record, order)
            if record.speaks_for(self.orders[0]):
                self._count += len(record.added) - len(record.removed)
        self._saved_terms = len(self.terms)

    def _read_terms(self, checkpoint: Checkpoint) -> list[Term]:
        name = _file("terms", checkpoint.generation)
        data = self.disk.read(name) if name in self.disk.names() else b""
        if len(data) != checkpoint.terms_bytes or zlib.crc32(data[_CRC_BYTES:]) != int.from_bytes(data[:_CRC_BYTES]):
            raise Damaged(f"{name}: its bytes are not what was written; restore the file from a copy")
        return decode_terms(data[_CRC_BYTES:])

    def _open_runs(self) -> None:
        for order in self.orders:
            old = self._indexes[order]
            if old.run:
                old.run.close()
            run = SortedRun(
                self.disk, _file(order, self._checkpoint.generation), self._checkpoint.orders[order],
                pool=self.pool, place=f"{self.place}/{order}", recorder=self.recorder,
            )  # fmt: skip
            self._indexes[order] = OrderedIndex(order, run)
            self._indexes[order].keys = old.keys

    def _sweep(self) -> tuple[str, ...]:
        """Remove the files of other generations: no checkpoint names them."""
        kept = {_file(name, self._checkpoint.generation) for name in (*self.orders, "terms")}
        stray = [name for name in self.disk.names() if name not in kept and name not in segment_names(self.disk)]
        with self.log.or_break("the removal of what no checkpoint names"):
            for name in stray:
                self.disk.remove(name)
            if stray:
                self.disk.sync_names()
        return tuple(stray)


def _file(name: str, generation: int) -> str:
    return f"{name.lower()}-{generation}"


def _as_key(quad: Quad, terms: int) -> Key:
    for letter, term in zip("spog", quad, strict=True):
        if not isinstance(term, int) or isinstance(term, bool) or not 0 <= term <= TERM_MAX:
            raise BadParameter(f"{quad}: {letter} = {term!r}; give the number of a term")
        if letter != "g" and term >= terms:
            raise BadParameter(f"{quad}: {letter} = {term} is no term; there are {terms}, `term` gives a new number")
    return (*quad,)  # type: ignore[return-value]  # four numbers, as was just checked
