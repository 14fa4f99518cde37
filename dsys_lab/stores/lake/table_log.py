"""How does a folder of objects get transactions, when the store has none?

By one object a commit, named by its number, and *put only if it is absent*. Of all who try to write commit 5, one
succeeds; with it all its files are added and removed at once, for nobody reads files that no commit names::

    _delta_log/00000000000000000004.json                       the fifth commit: some lines of JSON (`actions`)
    _delta_log/00000000000000000005.json   <-- put if absent   two writers race for this name; the store decides
    _delta_log/00000000000000000010.checkpoint.parquet         what commits 0 to 10 come to
    _delta_log/_last_checkpoint                                {"version": 10, "size": 15}: a hint where to begin

Who comes second reads what the first has done. If it is no matter to his own change (`conflicts`) he tries the next
number, else he is told.

Promises
--------
1. A commit is there whole or not at all, and when `commit` returns it stays, across every crash of writer and store.
2. Commits have one order, without gaps; each was checked against all that came before it.
3. A batch (`Transaction`) is committed once, however often its writer tries: a second time nothing is written.
4. What a crash leaves of a change without its commit are files that nobody reads (`LakeTable.vacuum` takes them).

If the store gives no answer (`MayHaveHappened`), the commit may be there. A writer with a batch tries again; one
without must look at the history first, or its rows may be there twice.

Cost: a commit is one put. A snapshot is a get of the hint, a list, a checkpoint, and a get for each commit since.

Left out: log compaction, checkpoints in parts, removal of old commits (so every version stays readable as far as its
files do), several tables in one commit.

Sources: github.com/delta-io/delta, PROTOCOL.md; Armbrust et al., VLDB 2020, sec. 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter, Damaged, DsysLabError, Refused, require_positive
from dsys_lab.stores.lake import actions as words
from dsys_lab.stores.lake.actions import Action, Transaction
from dsys_lab.stores.lake.conflicts import NOTHING, Read, conflict
from dsys_lab.stores.lake.files import Codec
from dsys_lab.stores.lake.snapshot import NO_VERSION, Snapshot, after
from dsys_lab.stores.object_store import ConditionFailed, Facts, Found, Page, every

LOG: Final = "_delta_log/"
HINT: Final = f"{LOG}_last_checkpoint"


class CommitConflict(Refused):
    """Somebody else was first, and changed what this change depends on. Read the table again, and decide anew."""


class Objects(Protocol):
    """As much of an object store as a lake needs (`dsys_lab.stores.object_store.ObjectStore` has it)."""

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> Facts:
        """Let `key` have these bytes; `ConditionFailed` if it must be absent and is not."""

    def get(self, key: str) -> Found | None:
        """Return an object."""

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1_000) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""

    def delete(self, key: str) -> None:
        """Let `key` be absent."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit.

    Attributes
    ----------
    version : int
    tries : int
        Names for which it raced; 0 if the batch was in the table already.
    """

    version: int
    tries: int


class TableLog:
    """The commits of one table.

    Parameters
    ----------
    store : Objects
    place : str
        The folder of the table in the store: what its keys begin with.
    codec : Codec
        Writes and reads checkpoints.
    checkpoint_every : int
        After so many commits one is written.
    """

    def __init__(self, store: Objects, place: str, codec: Codec, *, checkpoint_every: int = 10) -> None:
        require_positive(checkpoint_every=checkpoint_every)
        if not place or place.endswith("/"):
            raise BadParameter(f"place = {place!r}: give the name of a folder, without / at its end")
        self.store, self.place, self.codec, self.checkpoint_every = store, place, codec, checkpoint_every

    # ------------------------------------------------------------ read path
    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return the table at a version; without one, the latest.

        Raises
        ------
        BadParameter
            If there is no such version.
        Damaged
            If a commit that must be there is missing, or cannot be read.
        """
        if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
            raise BadParameter(f"version = {version!r}: give a whole number from 0 on, or None for the latest")
        told = self._from_checkpoint(version)
        for number, commit in self._commits(told.version + 1, version):
            told = after(told, number, commit)
        if version is not None and told.version != version:
            there = f"the latest is {told.version}" if told.version >= 0 else "there is no table yet"
            raise BadParameter(f"version = {version}: {there}")
        return told

    def commits(self) -> Iterator[tuple[int, tuple[Action, ...]]]:
        """Give every commit that is there, with its number."""
        for key in self._keys(0):
            yield _number(key), self._read(_number(key))

    def _commits(self, first: int, last: int | None) -> Iterator[tuple[int, tuple[Action, ...]]]:
        """Give the commits from `first` on, up to and with `last`; none may be missing between."""
        for place, key in enumerate(self._keys(first)):
            number = _number(key)
            if last is not None and number > last:
                return
            if number != first + place:
                raise Damaged(f"commit {first + place} of {self.place} is missing: get it from a copy of the log")
            yield number, self._read(number)

    def _keys(self, first: int) -> list[str]:
        prefix = f"{self.place}/{LOG}"
        found = (facts.key for facts in every(self.store, prefix))
        return [key for key in found if _is_commit(key) and _number(key) >= first]

    def _read(self, version: int) -> tuple[Action, ...]:
        found = self.store.get(self.key(version))
        if found is None:
            raise Damaged(f"commit {version} of {self.place} is missing: get it from a copy of the log")
        return words.decode(found.data, found.key)

    def key(self, version: int) -> str:
        """Return the name of a commit."""
        return f"{self.place}/{LOG}{version:020d}.json"

    # ------------------------------------------------------------ write path
    def commit(self, seen: Snapshot, actions: Sequence[Action], *, read: Read = NOTHING) -> Committed:
        """Let these actions be the next commit, or tell what came between.

        Parameters
        ----------
        seen : Snapshot
            The table as it was when the change was made; `Snapshot()` for a new table.
        read : Read
            What the change depends on.

        Raises
        ------
        CommitConflict
            If somebody else committed, since, what the change depends on. Nothing was changed.
        """
        batches = [one for one in actions if isinstance(one, Transaction)]
        data, version, tries = words.encode(actions), seen.version, 0
        if _have(seen.batches, batches):
            return Committed(seen.version, 0)
        while True:
            version, tries = version + 1, tries + 1
            try:
                self.store.put(self.key(version), data, if_absent=True)
            except ConditionFailed:
                theirs = self._read(version)
                if _have(after(Snapshot(), version, theirs).batches, batches):
                    return Committed(version, 0)
                if why := conflict(actions, read, theirs):
                    raise CommitConflict(f"commit {version} was first: {why}; read the table again") from None
            else:
                self._checkpoint_if_due(version)
                return Committed(version, tries)

    # ------------------------------------------------------------ checkpoints
    def checkpoint(self) -> Snapshot:
        """Write down what all commits come to, so that a reader need not fold them again."""
        told = self.snapshot()
        lines = [action.to_json() for action in told.actions()]
        self.store.put(self._checkpoint_key(told.version), self.codec.encode_actions(lines))
        hint = {"version": told.version, "size": len(lines)}
        self.store.put(f"{self.place}/{HINT}", json.dumps(hint, separators=(",", ":")).encode())
        return told

    def _checkpoint_if_due(self, version: int) -> None:
        """Write one if it is time; whatever becomes of it, the commit stands, and a later one is due again."""
        if version and version % self.checkpoint_every == 0:
            with suppress(DsysLabError):
                self.checkpoint()

    def _from_checkpoint(self, version: int | None) -> Snapshot:
        """Return the snapshot of the hint's checkpoint, or an empty one where there is none that is old enough."""
        found = self.store.get(f"{self.place}/{HINT}")
        hint = _hint(found)
        if hint == NO_VERSION or (version is not None and hint > version):
            return Snapshot()
        checkpoint = self.store.get(self._checkpoint_key(hint))
        if checkpoint is None:
            return Snapshot()
        lines = self.codec.decode_actions(checkpoint.data)
        return after(Snapshot(), hint, [one for one in map(words.from_json, lines) if one is not None])

    def _checkpoint_key(self, version: int) -> str:
        return f"{self.place}/{LOG}{version:020d}.checkpoint.{self.codec.suffix}"


def _hint(found: Found | None) -> int:
    """Return the version that the hint names; a hint that cannot be read is none."""
    try:
        told: dict[str, Any] = json.loads(found.data) if found is not None else {}
        return int(told.get("version", NO_VERSION))
    except (ValueError, AttributeError):
        return NO_VERSION


def _have(there: Mapping[str, int], batches: Sequence[Transaction]) -> bool:
    """Whether one of these batches is in the table, or a later one of its writer."""
    return any(there.get(one.app, NO_VERSION) >= one.version for one in batches)


def _is_commit(key: str) -> bool:
    name = key.rsplit("/", 1)[-1]
    return len(name) == 25 and name.endswith(".json") and name[:20].isdecimal()


def _number(key: str) -> int:
    return int(key[-25:-5])
