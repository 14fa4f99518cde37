"""A collection on a server of MongoDB's protocol, under the verbs of `stores.document_store`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self, TypeVar

from dsys_lab.engines.difference import Difference
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused
from dsys_lab.stores.document_store.collection import Changed
from dsys_lab.stores.document_store.documents import Document, require_document
from dsys_lab.stores.document_store.execution import Explained, Stage
from dsys_lab.stores.document_store.filters import read_filter
from dsys_lab.stores.document_store.indexes import PathIndex
from dsys_lab.stores.document_store.planner import Query
from dsys_lab.stores.document_store.tlv import encode_document
from dsys_lab.stores.document_store.updates import read_update

SETTING: Final = "DSYS_LAB_MONGODB"
DATABASE: Final = "dsys_lab"
ANSWER_WITHIN_MS: Final = 10_000
TYPES: Final = {"boolean": "bool"}
"""Kinds that MongoDB calls otherwise."""
_NUMBERS: Final = itertools.count(1)
T = TypeVar("T")

MONGODB_DIFFERENCES: Final = (
    Difference(
        "the planner counts the cards of each way",
        "MongoDB: lets the plans race for a while and takes the one that is ahead",
        "So it may choose otherwise, and its numbers are those of the plan that it chose.",
    ),
    Difference(
        "an index stretch ends with the first range",
        "MongoDB: skips along the shelf by the ranges behind it, too",
        "It may look at fewer keys than the compound rule says.",
    ),
    Difference(
        "an update that changes nothing is written",
        "MongoDB: it is not",
        "`matched` is the same.",
    ),
)
"""What MongoDB does otherwise than the model."""


class MongoDocuments:
    """A collection of its own.

    Raises
    ------
    EngineMissing
        If `DSYS_LAB_MONGODB` is not set, pymongo is not installed, or the server does not answer.
    BadParameter
        If the setting is no URL of MongoDB's.
    """

    def __init__(self) -> None:
        url = os.environ.get(SETTING, "")
        if not url:
            raise EngineMissing(f"{SETTING} is not set: name a server, {SETTING}=mongodb://localhost:27017")
        try:
            import pymongo
            from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError
        except ImportError:
            raise EngineMissing("pymongo is not installed: pip install 'dsys_lab[mongodb]'") from None
        try:
            self._client: Any = pymongo.MongoClient(url, serverSelectionTimeoutMS=ANSWER_WITHIN_MS)
            self.engine = f"MongoDB {self._client.server_info()['version']}"
        except (ConfigurationError, InvalidURI):  # its words may hold the password
            raise BadParameter(f"{SETTING} is no URL: give one such as mongodb://localhost:27017") from None
        except PyMongoError as error:
            raise EngineMissing(f"{SETTING} does not answer ({type(error).__name__}): start it, or unset it") from None
        self._collection = self._client[DATABASE][f"profile_{os.getpid()}_{next(_NUMBERS)}"]
        self._collection.drop()

    # ------------------------------------------------------------ write path
    def insert(self, document: Document) -> Changed:
        """Add a document."""
        require_document(document)
        size = len(encode_document(document))
        _asked(lambda: self._collection.insert_one(dict(document)))
        return Changed(1, size)

    def insert_many(self, documents: Sequence[Document]) -> None:
        """Add documents, in their order, up to the first that is refused."""
        for document in documents:
            require_document(document)
        _asked(lambda: self._collection.insert_many([dict(one) for one in documents]))

    def update_one(self, filter_: Document, update: Document) -> Changed:
        """Change the first document that matches."""
        read_update(update)
        done = _asked(lambda: self._collection.update_one(spelled(filter_), update))
        return Changed(done.matched_count)

    def replace_one(self, filter_: Document, document: Document) -> Changed:
        """Put a whole document in the place of the first that matches."""
        require_document(document)
        done = _asked(lambda: self._collection.replace_one(spelled(filter_), document))
        return Changed(done.matched_count)

    def delete_one(self, filter_: Document) -> Changed:
        """Remove the first document that matches."""
        done = _asked(lambda: self._collection.delete_one(spelled(filter_)))
        return Changed(done.deleted_count)

    # ------------------------------------------------------------ read path
    def find(
        self, filter_: Document | None = None, *, sort: Sequence[str] = (), limit: int | None = None
    ) -> list[Document]:
        """Return the documents that match."""
        cursor = self._cursor(filter_, sort, limit)
        found: list[Document] = _asked(lambda: list(cursor))
        return found

    def explain(
        self, filter_: Document | None = None, *, sort: Sequence[str] = (), limit: int | None = None
    ) -> Explained:
        """Answer, and return how it was done by the server's own account."""
        cursor = self._cursor(filter_, sort, limit)
        return explained(_asked(cursor.explain)["executionStats"])

    def _cursor(self, filter_: Document | None, sort: Sequence[str], limit: int | None) -> Any:
        query = Query(read_filter({} if filter_ is None else filter_), sort, limit)
        order = [(path, -1 if query.falls else 1) for path in query.sort_paths]
        return self._collection.find(spelled(filter_ or {}), sort=order or None, limit=limit or 0)

    # ------------------------------------------------------------ rules
    def create_index(self, *paths: str, unique: bool = False, sparse: bool = False) -> str:
        """Make an index, and return its name."""
        index = PathIndex(paths, unique=unique, sparse=sparse)
        keys = [(path, 1) for path in paths]
        _asked(lambda: self._collection.create_index(keys, name=index.name, unique=unique, sparse=sparse))
        return index.name

    def drop_index(self, name: str) -> None:
        """Take an index down."""
        _asked(lambda: self._collection.drop_index(name))

    def close(self) -> None:
        """Drop the collection."""
        try:
            _asked(self._collection.drop)
        finally:
            self._client.close()

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def spelled(filter_: Document) -> Document:
    """Return a filter in MongoDB's words, after asking whether it is one: its boolean is a `bool`.

    Examples
    --------
    >>> spelled({"$or": [{"awake": {"$type": "boolean"}}, {"awake": 3}]})
    {'$or': [{'awake': {'$type': 'bool'}}, {'awake': 3}]}
    """
    read_filter(filter_)
    return {name: _spelled(name, value) for name, value in filter_.items()}


def _spelled(name: str, value: Any) -> Any:
    match value:
        case dict():
            return {below: _spelled(below, one) for below, one in value.items()}
        case list():
            return [_spelled("", one) for one in value]
    return TYPES.get(value, value) if name == "$type" else value


def _asked(call: Callable[[], T]) -> T:
    """Make a call, and say what may be concluded where it fails."""
    from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

    try:
        return call()
    except ConnectionFailure as error:
        raise MayHaveHappened(f"MongoDB gave no answer ({type(error).__name__}): look whether it happened") from error
    except OperationFailure as error:
        raise Refused(f"MongoDB said no: {(error.details or {}).get('errmsg', error)}") from error
    except PyMongoError as error:
        raise Refused(f"MongoDB said no: {error}") from error


def explained(stats: dict[str, Any]) -> Explained:
    """Return the server's `executionStats` as an `Explained`.

    Examples
    --------
    >>> scan = {"stage": "IXSCAN", "indexName": "fw", "nReturned": 2}
    >>> told = {"nReturned": 2, "totalKeysExamined": 3, "totalDocsExamined": 2,
    ...         "executionStages": {"stage": "FETCH", "nReturned": 2, "inputStage": scan}}
    >>> [stage.name for stage in explained(told).stages]
    ['IXSCAN', 'FETCH']
    """
    stages = tuple(Stage(one["stage"], one.get("indexName", ""), one["nReturned"]) for one in _stages(stats))
    return Explained(stages, stats["totalKeysExamined"], stats["totalDocsExamined"], stats["nReturned"], ())


def _stages(stats: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the stages, the innermost first."""
    outer, found = stats["executionStages"], []
    while outer:
        found.append(outer)
        outer = outer.get("inputStage")
    yield from reversed(found)
