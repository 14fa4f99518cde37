"""How are documents added up?

A *pipeline* is a list of stages, each of which takes documents and gives documents. The first `$match` is a question
like any other and may go over an index; all that follows looks at what is handed on.

==========  ====================================================================================================
`$match`    a filter
`$unwind`   a path: one document for each element of the array there
`$group`    {"_id": path, "nights": {"$count": path}, "mean": {"$avg": path}}: one document a group; `$sum $avg $min
            $max $count`; None or no number at the path is passed over
`$sort`     paths, as in `find`
`$limit`    a whole number
==========  ====================================================================================================

Source: MongoDB manual, "Aggregation pipeline".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.document_store.documents import Document, kind_of, names_of, values_at
from dsys_lab.stores.document_store.execution import sort_key
from dsys_lab.stores.document_store.filters import read_filter
from dsys_lab.stores.document_store.index_keys import key_of
from dsys_lab.stores.document_store.planner import Query
from dsys_lab.stores.document_store.updates import Change, changed

Step = Callable[[Iterable[Document]], Iterable[Document]]
TOTALS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "$sum": sum,
    "$avg": lambda numbers: sum(numbers) / len(numbers) if numbers else None,
    "$min": lambda numbers: min(numbers, default=None),
    "$max": lambda numbers: max(numbers, default=None),
    "$count": len,
}


def read_pipeline(spelled: Any) -> list[tuple[str, Step]]:
    """Return the stages of a pipeline by name.

    Raises
    ------
    BadParameter
        If it is none.
    """
    if not isinstance(spelled, list) or not all(isinstance(stage, dict) and len(stage) == 1 for stage in spelled):
        raise BadParameter(f"pipeline {spelled!r:.60}: give a list of stages with one name each, [{{'$match': {{}}}}]")
    makers = {"$match": _match, "$unwind": _unwind, "$group": _group, "$sort": _sort, "$limit": _limit}
    steps = []
    for stage in spelled:
        [(name, given)] = stage.items()
        if name not in makers:
            raise BadParameter(f"stage {name!r:.30}: give one of {', '.join(makers)}")
        steps.append((name, makers[name](given)))
    return steps


def _match(given: Any) -> Step:
    wanted = read_filter(given)
    return lambda documents: (one for one in documents if wanted.matches(one))


def _unwind(given: Any) -> Step:
    path = names_of(given)
    return lambda documents: (after for one in documents for after in _unwound(one, path))


def _unwound(document: Document, path: tuple[str, ...]) -> Iterator[Document]:
    """Give the document once for each element; an array on the way has to be unwound before."""
    at: Any = document
    for depth, name in enumerate(path[:-1], 1):
        at = at.get(name) if isinstance(at, dict) else None
        if isinstance(at, list):
            outer = ".".join(path[:depth])
            raise Refused(f"$unwind {'.'.join(path)}: {outer} is an array in _id {document['_id']!r}; unwind it first")
    for element in values_at(document, path):
        yield changed(document, [Change("set", path, element)])


def _sort(given: Any) -> Step:
    query = Query(read_filter({}), given)
    return lambda documents: sorted(documents, key=lambda one: sort_key(one, query), reverse=query.falls)


def _limit(given: Any) -> Step:
    if given is None:
        raise BadParameter("$limit None: give a whole number, 1 or more; leave the stage out for all")
    count = Query(read_filter({}), limit=given).limit
    return lambda documents: list(documents)[:count]


def _group(given: Any) -> Step:
    if not isinstance(given, dict) or "_id" not in given:
        raise BadParameter(f"$group {given!r:.60}: give '_id' (a path, or None for one group) and totals")
    by = None if given["_id"] is None else names_of(given["_id"])
    totals = {name: _total(name, total) for name, total in given.items() if name != "_id"}
    return lambda documents: _grouped(list(documents), by, totals)


def _total(name: str, given: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in TOTALS:
        raise BadParameter(f"$group, {name}: {given!r:.60}; give one of {', '.join(TOTALS)} with a path")
    [(operator, path)] = given.items()
    return operator, names_of(path)


def _grouped(
    documents: Sequence[Document], by: tuple[str, ...] | None, totals: dict[str, tuple[str, tuple[str, ...]]]
) -> list[Document]:
    groups: dict[bytes, tuple[Any, list[Document]]] = {}
    for document in documents:
        value = next(values_at(document, by), None) if by else None
        groups.setdefault(key_of(value), (value, []))[1].append(document)
    return [
        {"_id": value, **{name: _totalled(members, *total) for name, total in totals.items()}}
        for _, (value, members) in sorted(groups.items())
    ]


def _totalled(documents: Sequence[Document], operator: str, path: tuple[str, ...]) -> Any:
    values = [value for document in documents for value in values_at(document, path)]
    if operator != "$count":
        values = [value for value in values if kind_of(value) == "number"]
    return TOTALS[operator]([value for value in values if value is not None])
