"""What is written down of a change to a folder of files, so that the folder becomes a table?

One line of JSON for each *action*, in the words of the Delta protocol, so that others can read it::

    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}       who may read and write this table
    {"metaData": {"id": …, "schemaString": …, …}}                      its columns
    {"add": {"path": "part-….parquet", "size": 1077, "stats": …, …}}   this file is of the table from now on
    {"remove": {"path": "part-….parquet", "deletionTimestamp": …, …}}  this one no longer is; its bytes still lie there
    {"txn": {"appId": "loader", "version": 17}}                        batch 17 of this writer is in this commit
    {"commitInfo": {"operation": "WRITE", …}}                          for people to read

All lines of one commit stand in one object, so all of them hold or none (`table_log`). `snapshot` says what they come
to. `stats` is a text of JSON within the JSON: rows, least and greatest values and NULLs of each column; by it a reader
skips files that it never opened.

Words of the protocol that are not known here are left alone when they are read, as the protocol asks, for what a reader
must know is told by its version: a table that asks for more than `READER` is refused, and so is a nested one.

Sources: github.com/delta-io/delta, PROTOCOL.md, "Actions"; Armbrust et al., "Delta Lake: high-performance ACID table
storage over cloud object stores", VLDB 2020.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.lake.partitions import Partition, may_pass
from dsys_lab.stores.table import Between

PLAIN: Final = "/!$&'()*+,;=:@~"
"""Stands in a path as it is (RFC 3986, section 3.3), for others compare the paths of adds and removes as written."""
READER: Final = 1
WRITER: Final = 2
"""The versions of the protocol that are read and written here."""
TYPES: Final = ("byte", "short", "integer", "long", "float", "double", "boolean", "string", "date")
"""The protocol's names of types that are known here; a `date` is carried as its text, 2017-01-31."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: a name, a type of `TYPES`, and whether it may be NULL."""

    name: str
    type: str
    nullable: bool = True

    def __post_init__(self) -> None:
        if not self.name or any(letter in self.name for letter in " ,;{}()\n\t="):
            raise BadParameter(f"column name {self.name!r}: give a name without spaces and without , ; {{ }} ( ) =")
        if self.type not in TYPES:
            raise BadParameter(f"column {self.name!r}: type {self.type!r} is unknown; give one of {', '.join(TYPES)}")


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of a table, in order.

    Examples
    --------
    >>> Fields.of("id long, minutes integer?").names
    ('id', 'minutes')
    >>> str(Fields.from_json(Fields.of("id long, minutes integer?").to_json()))
    'id long, minutes integer?'
    """

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if not self.fields:
            raise BadParameter("a table without columns: give at least one, as in 'id long, city string?'")
        for number, name in enumerate(self.names):
            if name in self.names[:number]:
                raise BadParameter(f"column {name!r} stands twice: give each a name of its own")

    @classmethod
    def of(cls, text: str) -> Fields:
        """Return the columns written as `name type, name type?`; the question mark allows NULL."""
        words = [part.split() for part in text.split(",")]
        for part in words:
            if len(part) != 2:
                raise BadParameter(f"columns: {' '.join(part)!r} is not 'name type'; write 'id long, city string?'")
        return cls(tuple(Field(name, kind.rstrip("?"), kind.endswith("?")) for name, kind in words))

    @classmethod
    def from_json(cls, text: str) -> Fields:
        """Return the columns of a `schemaString`; refuse what is nested."""
        told = json.loads(text)["fields"]
        for one in told:
            if one["type"] not in TYPES:
                raise Refused(
                    f"column {one['name']!r} is of type {one['type']!r}, which is not known here: ask another reader"
                )
        return cls(tuple(Field(one["name"], one["type"], one["nullable"]) for one in told))

    def to_json(self) -> str:
        """Return the columns as a `schemaString`."""
        fields = [{"name": f.name, "type": f.type, "nullable": f.nullable, "metadata": {}} for f in self.fields]
        return json.dumps({"type": "struct", "fields": fields})

    def __str__(self) -> str:
        """Return the columns as `of` reads them."""
        return ", ".join(f"{one.name} {one.type}{'?' * one.nullable}" for one in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(one.name for one in self.fields)

    def without(self, names: Iterable[str]) -> Fields:
        """Return the columns but for these."""
        return Fields(tuple(one for one in self.fields if one.name not in {*names}))

    def require(self, names: Iterable[str]) -> None:
        """Refuse a name that no column has."""
        for name in names:
            if name not in self.names:
                raise BadParameter(f"no column {name!r}; there are {', '.join(self.names)}")


@dataclass(frozen=True, slots=True)
class Protocol:
    """Who may read and write this table."""

    reader: int = READER
    writer: int = WRITER

    def require_known(self) -> None:
        """Refuse a table that asks for more than is known here."""
        if self.reader > READER or self.writer > WRITER:
            told = f"the table asks for reader version {self.reader} and writer version {self.writer}"
            raise Refused(f"{told}; {READER} and {WRITER} are known here: ask another reader")

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {"protocol": {"minReaderVersion": self.reader, "minWriterVersion": self.writer}}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The table's id, its columns, and those by which it is partitioned (`partitions`)."""

    table: str
    fields: Fields
    created_ms: int = 0
    configuration: Mapping[str, str] = field(default_factory=dict)
    provider: str = "parquet"
    partition_by: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        told = {"id": self.table, "format": {"provider": self.provider, "options": {}},
                "schemaString": self.fields.to_json(), "partitionColumns": list(self.partition_by),
                "configuration": dict(self.configuration), "createdTime": self.created_ms}  # fmt: skip
        return {"metaData": told}


@dataclass(frozen=True, slots=True)
class Stats:
    """What is known of a file without opening it: rows; least, greatest and NULLs by column."""

    rows: int | None = None
    least: Mapping[str, Any] = field(default_factory=dict)
    greatest: Mapping[str, Any] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)

    def may_hold(self, where: Between | None) -> bool:
        """Whether a row of the file may pass: without numbers for the column, it may."""
        if where is None:
            return True
        least, greatest = self.least.get(where.column), self.greatest.get(where.column)
        if least is None or greatest is None:
            return self.rows is None or self.nulls.get(where.column) != self.rows
        return (where.low is None or where.low <= greatest) and (where.high is None or least <= where.high)

    def to_json(self) -> str:
        """Return them as the text that stands in the action."""
        return json.dumps({
            "numRecords": self.rows, "minValues": dict(self.least), "maxValues": dict(self.greatest),
            "nullCount": dict(self.nulls),
        })  # fmt: skip

    @classmethod
    def from_json(cls, text: str | None) -> Stats:
        """Return what a file's action tells, which may be nothing."""
        told = json.loads(text) if text else {}
        return cls(told.get("numRecords"), *(told.get(key) or {} for key in ("minValues", "maxValues", "nullCount")))


@dataclass(frozen=True, slots=True)
class Add:
    """From now on this file is of the table; `partition` has the values that all its rows share, and it does not."""

    path: str
    size_bytes: int
    modified_ms: int = 0
    stats: Stats = field(default_factory=Stats)
    changes_data: bool = True
    partition: Partition = field(default_factory=dict)

    def may_hold(self, where: Between | None) -> bool:
        """Whether a row of the file may pass, by its partition, or else by its numbers."""
        if where is not None and where.column in self.partition:
            return may_pass(self.partition[where.column], where)
        return self.stats.may_hold(where)

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        told = {"path": quote(self.path, safe=PLAIN), "partitionValues": dict(self.partition), "size": self.size_bytes,
                "modificationTime": self.modified_ms, "dataChange": self.changes_data, "stats": self.stats.to_json()}
        return {"add": told}


@dataclass(frozen=True, slots=True)
class Remove:
    """From now on this file is not of the table; `changes_data` is False where its rows stand in another one."""

    path: str
    deleted_ms: int = 0
    changes_data: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        told = {"path": quote(self.path, safe=PLAIN), "deletionTimestamp": self.deleted_ms,
                "dataChange": self.changes_data}  # fmt: skip
        return {"remove": told}


@dataclass(frozen=True, slots=True)
class Transaction:
    """Batch `version` of the writer `app` is in this commit."""

    app: str
    version: int

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {"txn": {"appId": self.app, "version": self.version}}


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """When the commit was made, and by what."""

    operation: str
    timestamp_ms: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        told = {"timestamp": self.timestamp_ms, "operation": self.operation,
                "operationParameters": dict(self.parameters), "engineInfo": "dsys_lab"}  # fmt: skip
        return {"commitInfo": told}


Action = Protocol | Metadata | Add | Remove | Transaction | CommitInfo


def from_json(line: Mapping[str, Any]) -> Action | None:
    """Return the action of a line; None for a word that is not known here.

    Raises
    ------
    Refused
        If the table has columns of types that are not known here.
    """
    for word, told in line.items():
        if told is not None and word in _READ:
            return _READ[word](told)
    return None


def _metadata(told: Mapping[str, Any]) -> Metadata:
    configuration, provider = dict(told.get("configuration") or {}), told["format"]["provider"]
    fields = Fields.from_json(told["schemaString"])
    by = tuple(told.get("partitionColumns") or ())
    return Metadata(told["id"], fields, told.get("createdTime") or 0, configuration, provider, by)


_READ: Final[dict[str, Any]] = {
    "protocol": lambda told: Protocol(told["minReaderVersion"], told["minWriterVersion"]),
    "metaData": _metadata,
    "add": lambda told: Add(
        unquote(told["path"]), told["size"], told["modificationTime"], Stats.from_json(told.get("stats")),
        told["dataChange"], told.get("partitionValues") or {},
    ),
    "remove": lambda told: Remove(unquote(told["path"]), told.get("deletionTimestamp") or 0, told["dataChange"]),
    "txn": lambda told: Transaction(told["appId"], told["version"]),
    "commitInfo": lambda told: CommitInfo(
        str(told.get("operation", "")), told.get("timestamp") or 0, told.get("operationParameters") or {}
    ),
}


def encode(actions: Iterable[Action]) -> bytes:
    """Return a commit: a line for each action."""
    return "".join(json.dumps(action.to_json(), separators=(",", ":")) + "\n" for action in actions).encode()


def decode(data: bytes, name: str = "a commit") -> tuple[Action, ...]:
    """Return the actions of a commit.

    Raises
    ------
    Damaged
        If a line is no JSON, or an action lacks what it must have.
    """
    actions = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            action = from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{name}, line {number} is no action ({error!r:.80}): get the object from a copy") from error
        if action is not None:
            actions.append(action)
    return tuple(actions)
