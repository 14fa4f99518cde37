"""How are several items, each in a partition of its own, changed together or not at all?

In two phases, by a coordinator that keeps a *ledger*:

1. *Prepare*: every item is looked at, its condition checked, and the item held for this transaction. Whoever finds an
   item held by another one is told so at once, and nobody waits: so there is no deadlock.
2. The decision is one record in the ledger. Before it the transaction has not happened; after it, it has.
3. *Commit*: every partition does its part and lets go of the item.

A coordinator that fails in the middle leaves items held. Whoever takes over reads the ledger: what was decided is
carried out, as far as it was not; what was not decided is let go of.

A lost answer is the other trouble: did it happen? Sent again under the same *token* within ten minutes, it happens
once.

`steps` gives the phases one by one, so that something may happen in between; `write` goes through all of them.

Promises
--------
1. All actions are done or none, whichever moment the coordinator or a partition's leader fails at, once `recover` was
   called.
2. No condition is decided on an item that another transaction is about to change.
3. Under one token the actions are done at most once.

Cost: each action is paid twice, for it is written twice; two rounds to a quorum a partition; one ledger record to
begin, one to decide, one to end.

Each hold and each part is agreed on by a quorum before the next step: what was decided on a hold that the next leader
never heard of could be done by half.

Left out: several tables; the timestamps by which DynamoDB orders transactions so that reads need no locks; how long the
waiting for a quorum takes.

Sources: Idziorek et al., "Distributed transactions at scale in Amazon DynamoDB", USENIX ATC 2023; Gray, "Notes on data
base operating systems", 1978; Amazon DynamoDB API Reference, TransactWriteItems.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, DsysLabError, Refused
from dsys_lab.facts import fact
from dsys_lab.stores.key_value.partitioned.answers import Read, Throttled, TransactionCanceled
from dsys_lab.stores.key_value.partitioned.capacity import read_units
from dsys_lab.stores.key_value.partitioned.conditions import Condition
from dsys_lab.stores.key_value.partitioned.item_codec import read_item, read_key, spell_item, spell_key
from dsys_lab.stores.key_value.partitioned.items import Item, frozen, size_bytes
from dsys_lab.stores.key_value.partitioned.keys import Key
from dsys_lab.stores.key_value.partitioned.partition import Partition
from dsys_lab.stores.key_value.partitioned.replica import Command, Write
from dsys_lab.stores.key_value.partitioned.table import PartitionedTable
from dsys_lab.stores.key_value.partitioned.updates import Update
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk, VolatileDisk

ACTIONS_MAX: Final = int(fact("dynamodb_transaction_items").value)
SIZE_BYTES_MAX: Final = int(fact("dynamodb_transaction_size").value) << 20
TOKEN_US: Final = int(fact("dynamodb_token").value * 1e6)
NONE: Final = "None"


@dataclass(frozen=True, slots=True)
class PutItem:
    """Let `item` be the item at its key, if the condition holds of what is there."""

    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class UpdateItem:
    """Change some attributes of the item at `key`."""

    key: Item
    change: Update
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Let there be no item at `key`."""

    key: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class CheckItem:
    """Change nothing at `key`, but let the whole depend on a condition there."""

    key: Item
    condition: Condition


Action = PutItem | UpdateItem | DeleteItem | CheckItem


def key_item(action: Action) -> Item:
    """Return what has the key attributes of an action's item."""
    return action.item if isinstance(action, PutItem) else action.key


class _Begun(NamedTuple):
    """A transaction that the ledger knows."""

    name: str
    token: str | None
    digest: str
    at_us: int
    keys: tuple[Key, ...]


class Transactions:
    """The coordinator of one table's transactions.

    Parameters
    ----------
    table : PartitionedTable
    disk : Disk, optional
        Where the ledger is. A ledger that is found there is read; then call `recover`.

    Examples
    --------
    >>> from dsys_lab.stores.key_value.partitioned import Compare, KeySchema
    >>> shop = PartitionedTable("shop", KeySchema("what"))
    >>> _ = shop.put(0, {"what": "pillow", "left": 1})
    >>> sell = [UpdateItem({"what": "pillow"}, Update(add={"left": -1}), Compare("left", ">", 0)),
    ...         PutItem({"what": "order 1", "of": "pillow"})]
    >>> transactions = Transactions(shop)
    >>> transactions.write(0, sell, token="order 1"), transactions.write(0, sell, token="order 1")
    (4.0, 0.0)
    >>> shop.get(0, {"what": "pillow"}).item["left"]
    0
    """

    def __init__(self, table: PartitionedTable, disk: Disk | None = None) -> None:
        self.table = table
        self.place = f"{table.place}/coordinator"
        self._ledger = AppendLog(disk or VolatileDisk(), place=self.place, recorder=table.recorder, now_us=table.now_us)
        self._open: dict[str, _Begun] = {}
        self._decided: dict[str, tuple[Write, ...]] = {}
        self._tokens: dict[str, tuple[str, int]] = {}
        self._count = 0
        for record in self._ledger.read():
            self._take_down(json.loads(record.payload))

    # ------------------------------------------------------------ writing
    def write(self, now_us: int, actions: Sequence[Action], *, token: str | None = None) -> float:
        """Do all actions, or none.

        Parameters
        ----------
        token : str, optional
            Names the request: sent again under it, it is not done again.

        Returns
        -------
        float
            The write units that it cost; 0 if it had been done before. (DynamoDB then charges units of reading the
            items; here nothing is read.)

        Raises
        ------
        TransactionCanceled
            None was done; `reasons` says why, one for each action.
        BadParameter
            If there are none, too many, two on one item, or other ones under the same token.
        """
        self.table.tick(now_us)
        units = 0.0
        for step in self.steps(actions, token=token):
            units += step.units
        return units

    class Step(NamedTuple):
        """What has just been done: "begun", "held", "decided", "done", "ended" or "known"; and its units."""

        what: str
        units: float = 0.0

    def steps(self, actions: Sequence[Action], *, token: str | None = None) -> Iterator[Step]:
        """Give the steps one by one, each done when it is given, at the time to which the table has come."""
        keys = self._require_transaction(actions)
        digest = hashlib.sha256(repr(actions).encode()).hexdigest()
        if self._is_known(token, digest):
            yield self.Step("known")
            return
        self._count += 1
        begun = _Begun(f"{self.table.place}-{self._count}", token, digest, self.table.now_us, keys)
        self._tell("begun", begun.name, token=token, digest=digest, keys=[spell_key(key) for key in keys])
        self.table.recorder.emit(self.table.now_us, "begin", self.place, op=begun.name, name="transaction")
        yield self.Step("begun")
        writes: list[Write] = []
        for number, (action, key) in enumerate(zip(actions, keys, strict=True)):
            try:
                why, write, units = self._prepare(begun, action, key)
            except DsysLabError:
                self._cancel(begun)
                raise
            if why:
                self._cancel(begun)
                reasons = tuple(why if n == number else NONE for n in range(len(actions)))
                raise TransactionCanceled(f"nothing was done, because of action {number}, {key}: {why}", reasons)
            writes += [] if write is None else [write]
            yield self.Step("held", units)
        self._tell("decided", begun.name, writes=[[spell_key(w.key), w.item and spell_item(w.item)] for w in writes])
        yield self.Step("decided")
        for key in keys:
            self._carry_out(begun.name, key)
            yield self.Step("done")
        self._end(begun.name, ok=True)
        yield self.Step("ended")

    def _require_transaction(self, actions: Sequence[Action]) -> tuple[Key, ...]:
        if not 1 <= len(actions) <= ACTIONS_MAX:
            raise BadParameter(f"{len(actions)} actions: give 1 to {ACTIONS_MAX}")
        keys = tuple(self.table.keys.key_of(key_item(action)) for action in actions)
        if len(keys) != len({*keys}):
            raise BadParameter("two actions on one item: put what belongs to it into one action")
        size = sum(size_bytes(action.item) for action in actions if isinstance(action, PutItem))
        if size > SIZE_BYTES_MAX:
            raise BadParameter(f"{size:,} bytes in one transaction: give at most {SIZE_BYTES_MAX:,}")
        return keys

    def _is_known(self, token: str | None, digest: str) -> bool:
        """Whether a request with this token was done; one that is under way is refused."""
        if token is None or token not in self._tokens:
            return False
        known, until_us = self._tokens[token]
        if until_us <= self.table.now_us:
            del self._tokens[token]
            return False
        if known != digest:
            raise BadParameter(f"token = {token!r} came with other actions before: give each request its own")
        if any(begun.token == token for begun in self._open.values()):
            raise Refused(f"the transaction with token {token!r} is under way: ask again later")
        return True

    def _prepare(self, begun: _Begun, action: Action, key: Key) -> tuple[str, Write | None, float]:
        """Check an action and hold its item; return why not, what it will write, and what it costs."""
        table = self.table
        partition = table.partitions.at(key.position)
        leader = partition.group.require_quorum()
        old = leader.latest(key)
        if leader.lock_of(key):
            return "TransactionConflict", None, 0.0
        if action.condition is not None and not action.condition.holds(old or {}):
            return "ConditionalCheckFailed", None, 0.0
        new = self._becomes(action, old)
        units = table.write_units(old, new, transactional=True)
        try:
            table.check(partition, key, old, new)
            table.partitions.admit(table.now_us, "Write", partition, key, units=units)
        except Throttled:
            return "ThrottlingError", None, 0.0
        self._agree(partition, Command(locks=((key, begun.name),)))
        return "", None if isinstance(action, CheckItem) else Write(key, new), units

    def _becomes(self, action: Action, old: Item | None) -> Item | None:
        match action:
            case PutItem():
                return frozen(action.item)
            case UpdateItem():
                return self.table.changed(action.key, action.change, old)
            case DeleteItem():
                return None
        return old

    def _carry_out(self, name: str, key: Key) -> None:
        """Do what was decided for one item, if its partition has not done so yet, and let go of it."""
        partition = self.table.partitions.at(key.position)
        if partition.group.require_quorum().lock_of(key) == name:
            writes = tuple(write for write in self._decided.get(name, ()) if write.key == key)
            self._agree(partition, Command(writes, ((key, ""),)))

    def _agree(self, partition: Partition, command: Command) -> None:
        """Write a command down and wait until a quorum has it: a leader that fails does not take it along."""
        self.table.append(self.table.now_us, partition, command)
        self.table.settle(partition)

    def _cancel(self, begun: _Begun) -> None:
        for key in begun.keys:
            self._carry_out(begun.name, key)
        self._end(begun.name, ok=False)

    def _end(self, name: str, *, ok: bool) -> None:
        self._tell("ended", name, ok=ok)
        self.table.recorder.emit(self.table.now_us, "end", self.place, op=name, ok=ok)

    # ------------------------------------------------------------ reading
    def read(self, now_us: int, keys: Sequence[Item]) -> list[Read]:
        """Return several items as they are at one moment, none of them in the middle of a transaction.

        Raises
        ------
        TransactionCanceled
            If one of them is held.
        """
        if not 1 <= len(keys) <= ACTIONS_MAX:
            raise BadParameter(f"{len(keys)} items: give 1 to {ACTIONS_MAX}")
        self.table.tick(now_us)
        reads, reasons = [], []
        for at in map(self.table.keys.key_of, keys):
            partition = self.table.partitions.at(at.position)
            leader = partition.group.require_quorum()
            item = leader.items.get(at)
            units = read_units(size_bytes(item or {}), consistency="transactional")
            reasons.append("TransactionConflict" if leader.lock_of(at) else NONE)
            reads.append((partition, at, Read(None if item is None else dict(item), units)))
        if set(reasons) != {NONE}:
            raise TransactionCanceled("one of the items is held by a transaction: try again", tuple(reasons))
        for partition, at, told in reads:
            self.table.partitions.admit(now_us, "Read", partition, at, units=told.units)
        return [told for _, _, told in reads]

    # ------------------------------------------------------------ the ledger
    def recover(self, now_us: int) -> list[str]:
        """Carry out what was decided and let go of what was not; return the names of those that were open."""
        self.table.tick(now_us)
        found = list(self._open.values())
        for begun in found:
            for key in begun.keys:
                self._carry_out(begun.name, key)
            self._end(begun.name, ok=begun.name in self._decided)
        return [begun.name for begun in found]

    def status(self) -> tuple[str, ...]:
        """Return the names of the transactions that are under way."""
        return tuple(self._open)

    def _tell(self, what: str, name: str, **fields: Any) -> None:
        told = {"what": what, "name": name, "at_us": self.table.now_us, **fields}
        self._ledger.append(self.table.now_us, json.dumps(told).encode())
        self._take_down(told)

    def _take_down(self, told: dict[str, Any]) -> None:
        """Let the books say what a record of the ledger says."""
        name, at_us = told["name"], told["at_us"]
        match told["what"]:
            case "begun":
                keys = tuple(read_key(key) for key in told["keys"])
                self._open[name] = _Begun(name, told["token"], told["digest"], at_us, keys)
                self._count = max(self._count, int(name.rpartition("-")[2]))
                if told["token"] is not None:
                    self._tokens[told["token"]] = (told["digest"], at_us + TOKEN_US)
            case "decided":
                self._decided[name] = tuple(Write(read_key(k), i and read_item(i)) for k, i in told["writes"])
            case "ended":
                begun = self._open.pop(name)
                self._decided.pop(name, None)
                if begun.token is not None and told["ok"]:
                    self._tokens[begun.token] = (begun.digest, at_us + TOKEN_US)
                elif begun.token is not None:
                    del self._tokens[begun.token]
