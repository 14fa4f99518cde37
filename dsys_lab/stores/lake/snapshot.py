"""Which files are the table, at this version?

A fold of all commits up to it, and nothing else: what was added and not removed since. Two people who fold the same
commits have the same table, at whatever hour and on whatever machine they do it; and *time travel* is to fold fewer.

    commit 0   add a, add b      {a, b}
    commit 1   remove a, add c   {b, c}     a is a *tombstone*: old versions need it until a vacuum
    commit 2   add d             {b, c, d}

`Snapshot.actions` says the whole of it again in the fewest actions that fold to the same: that is what a checkpoint is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dsys_lab.errors import Damaged
from dsys_lab.stores.lake.actions import Action, Add, Fields, Metadata, Protocol, Remove, Transaction

NO_VERSION = -1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table at a version.

    Attributes
    ----------
    version : int
        -1 before the first commit.
    files : mapping
        Path -> what was told of the file, in the order in which they came.
    tombstones : mapping
        Path -> what was told when it was removed.
    batches : mapping
        Writer -> the last of its batches that is in the table.
    """

    version: int = NO_VERSION
    protocol: Protocol | None = None
    metadata: Metadata | None = None
    files: Mapping[str, Add] = field(default_factory=dict)
    tombstones: Mapping[str, Remove] = field(default_factory=dict)
    batches: Mapping[str, int] = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """The columns.

        Raises
        ------
        Damaged
            If no commit ever said what they are.
        """
        if self.metadata is None:
            raise Damaged(f"no commit up to version {self.version} says what the columns are: the log is not whole")
        return self.metadata.fields

    @property
    def rows(self) -> int:
        """How many rows the files are said to have."""
        return sum(one.stats.rows or 0 for one in self.files.values())

    @property
    def size_bytes(self) -> int:
        """How many bytes the files have."""
        return sum(one.size_bytes for one in self.files.values())

    def actions(self) -> tuple[Action, ...]:
        """Return the fewest actions that fold to this snapshot."""
        batches = [Transaction(app, version) for app, version in self.batches.items()]
        heads = [one for one in (self.protocol, self.metadata) if one is not None]
        return (*heads, *batches, *self.files.values(), *self.tombstones.values())


def after(before: Snapshot, version: int, actions: Iterable[Action]) -> Snapshot:
    """Return the snapshot after one more commit.

    >>> one = after(Snapshot(), 0, [Add("a", 10), Add("b", 10)])
    >>> two = after(one, 1, [Remove("a"), Add("c", 10)])
    >>> sorted(two.files), sorted(two.tombstones), sorted(one.files)
    (['b', 'c'], ['a'], ['a', 'b'])
    """
    files, tombstones, batches = dict(before.files), dict(before.tombstones), dict(before.batches)
    told = replace(before, version=version, files=files, tombstones=tombstones, batches=batches)
    for action in actions:
        match action:
            case Add():
                files[action.path] = action
                tombstones.pop(action.path, None)
            case Remove():
                files.pop(action.path, None)
                tombstones[action.path] = action
            case Transaction():
                batches[action.app] = action.version
            case Metadata():
                told = replace(told, metadata=action)
            case Protocol():
                action.require_known()
                told = replace(told, protocol=action)
    return told
