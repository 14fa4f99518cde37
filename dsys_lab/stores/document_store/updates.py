"""How is a document changed in place?

An update says what is to be done and not what the document looks like afterwards: `{"$inc": {"nights": 1}}`. So two
people who change two things, or both count, do not undo each other's work; who sends the whole document back does.

==========  =====================================================================================================
`$set`      this value at this path; documents on the way are made where there is nothing
`$unset`    nothing at this path any more; the value given does not matter
`$inc`      a number more, 0 where there is nothing
`$push`     one element more at the end of an array, which is made where there is nothing
==========  =====================================================================================================

`changes_of` works an update out against a document: a list of `Change`, the *delta* that a log may keep instead of the
whole document. `changed` carries them out; both are pure.

Left out: paths through arrays (set the array, or keep its elements in documents of their own), `$pull`, upserts.

Source: MongoDB manual, "Update operators".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.document_store.documents import INT_MAX, INT_MIN, Document, kind_of, names_of, require_value

OPERATORS: Final = ("$set", "$unset", "$inc", "$push")


class Change(NamedTuple):
    """One thing done to a document: `set`, `unset` or `push`; what `$inc` comes to is set."""

    do: str
    path: tuple[str, ...]
    value: Any = None


Update = tuple[tuple[str, tuple[str, ...], Any], ...]


def read_update(spelled: Any) -> Update:
    """Return an update as (operator, path, operand), in its order.

    Raises
    ------
    BadParameter
        If it is none, changes `_id`, or changes one path twice.
    """
    example = "{'$set': {'city': 'Oslo'}, '$inc': {'nights': 1}}"
    if not isinstance(spelled, dict) or not spelled or not all(isinstance(below, dict) for below in spelled.values()):
        raise BadParameter(f"update {spelled!r:.60}: give operators with paths, {example}")
    steps = []
    for operator, below in spelled.items():
        if operator not in OPERATORS:
            raise BadParameter(f"update {operator!r:.30}: give some of {', '.join(OPERATORS)}, {example}")
        for name, operand in below.items():
            path = names_of(name)
            if operator == "$inc" and kind_of(operand) != "number":
                raise BadParameter(f"$inc of {name} by {operand!r:.40}: give a number")
            if operator != "$unset":
                require_value(operand, name, level=len(path) + (2 if operator == "$push" else 1))
            steps.append((operator, path, operand))
    _require_apart([path for _, path, _ in steps])
    return tuple(steps)


def _require_apart(paths: Sequence[tuple[str, ...]]) -> None:
    for place, path in enumerate(paths):
        if path[0] == "_id":
            raise BadParameter("_id is never changed: insert the document under the other one, and delete this one")
        for other in paths[:place]:
            if path[: len(other)] == other or other[: len(path)] == path:
                raise BadParameter(f"{'.'.join(other)} and {'.'.join(path)} in one update: change a path once")


def changes_of(document: Document, update: Update) -> list[Change]:
    """Return what an update comes to for this document.

    Raises
    ------
    Refused
        If a value on the way is of another kind than the update needs.
    """
    return [_change(document, *step) for step in update]


def _change(document: Document, operator: str, path: tuple[str, ...], operand: Any) -> Change:
    at: Any = document
    for number, name in enumerate(path):
        if not isinstance(at, dict):
            kind = kind_of(at)
            advice = "set the whole array, or keep its elements in documents" if kind == "array" else "set that instead"
            raise Refused(f"{operator} of {'.'.join(path)}: {'.'.join(path[:number])} is of kind {kind}; {advice}")
        if name not in at:
            return Change("unset" if operator == "$unset" else "push" if operator == "$push" else "set", path, operand)
        at = at[name]
    if operator == "$inc":
        return Change("set", path, _sum(path, at, operand))
    if operator == "$push" and not isinstance(at, list):
        raise Refused(f"$push to {'.'.join(path)}: it is of kind {kind_of(at)} and no array; set it to one first")
    return Change(operator.removeprefix("$"), path, operand if operator != "$unset" else None)


def _sum(path: tuple[str, ...], old: Any, more: float) -> float:
    if kind_of(old) != "number":
        raise Refused(f"$inc of {'.'.join(path)}: it is of kind {kind_of(old)} and no number; set it to one first")
    total: float = old + more
    if isinstance(total, int) and not INT_MIN <= total <= INT_MAX:
        raise Refused(f"$inc of {'.'.join(path)}: {total} is beyond 64 bits; set it to a float first")
    if not math.isfinite(total):
        raise Refused(f"$inc of {'.'.join(path)}: {old} and {more} make no finite number; set it to one first")
    return total


def changed(document: Document, changes: Sequence[Change]) -> Document:
    """Return a copy of the document after these changes.

    Examples
    --------
    >>> night = {"_id": 1, "nights": 3}
    >>> changed(night, changes_of(night, read_update({"$inc": {"nights": 1}, "$push": {"tags": "new"}})))
    {'_id': 1, 'nights': 4, 'tags': ['new']}
    """
    after = deepcopy(document)
    for do, path, value in changes:
        parent = after
        for name in path[:-1]:
            if do == "unset" and name not in parent:
                break
            parent = parent.setdefault(name, {})
        else:
            match do:
                case "unset":
                    parent.pop(path[-1], None)
                case "push":
                    parent.setdefault(path[-1], []).append(deepcopy(value))
                case _:
                    parent[path[-1]] = deepcopy(value)
    return after
