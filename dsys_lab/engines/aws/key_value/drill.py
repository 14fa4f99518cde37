"""One story for every table of items, model or real: what each call came to, line by line.

The engine and the model must tell the same story; where they do not, `DYNAMODB` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from dsys_lab.engines.aws.key_value.table import DynamoTable
from dsys_lab.errors import DsysLabError, require_choice
from dsys_lab.stores.key_value.partitioned import (
    CheckItem,
    Compare,
    Exists,
    GlobalIndex,
    KeySchema,
    PartitionedTable,
    PutItem,
    Range,
    Settings,
    Throttled,
    TransactionCanceled,
    Update,
    UpdateItem,
)
from dsys_lab.stores.key_value.partitioned.verbs import ClockedTable, ItemTable, pages

KEYS = KeySchema("person", "night")
BY_CITY = GlobalIndex("by_city", KeySchema("city"))
ENGINES = ("model", "dynamodb")


def drill(engine: str) -> list[tuple[str, str]]:
    """Return (call, outcome) of a dozen calls on a fresh table.

    Parameters
    ----------
    engine : str
        "model" or "dynamodb".
    """
    with _opened(engine) as table:
        return [(name, _outcome(partial(call, table))) for name, call in CALLS.items()]


def pressed(engine: str, *, writes: int = 12) -> dict[str, int]:
    """Write so many items of 98 units each into one partition, all at once; return how many were taken, and refused."""
    told = {"taken": 0, "refused": 0}
    with _opened(engine) as table:
        for number in range(writes):
            try:
                table.put({"person": "17", "night": str(number), "note": "x" * 100_000})
            except Throttled:
                told["refused"] += 1
            else:
                told["taken"] += 1
    return told


def cycles(engine: str, *, count: int = 30) -> None:
    """Put and get so many small items, one after the other."""
    with _opened(engine) as table:
        for number in range(count):
            table.put(_night(number, 435))
            table.get(_key(number), strong=True)


@contextmanager
def _opened(engine: str) -> Iterator[ItemTable]:
    require_choice("engine", engine, ENGINES)
    if engine == "model":
        yield ClockedTable(PartitionedTable("cards", KEYS, Settings(partitions=4, global_indexes=(BY_CITY,))))
        return
    with DynamoTable(KEYS, global_indexes=(BY_CITY,)) as table:
        yield table


def _outcome(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except TransactionCanceled as error:
        return f"canceled: {', '.join(error.reasons)}"
    except DsysLabError as error:
        return type(error).__name__


def _night(day: int, minutes: int, city: str = "Oslo") -> dict[str, object]:
    return {"person": "17", "night": f"2017-01-{day:02d}", "minutes": minutes, "city": city}


def _key(day: int) -> dict[str, object]:
    return {"person": "17", "night": f"2017-01-{day:02d}"}


CALLS: dict[str, Callable[[ItemTable], object]] = {
    "put a night of 3,000 bytes": lambda t: t.put({**_night(1, 435), "note": "x" * 2950}).units,
    "put it only if it is new": lambda t: t.put(_night(1, 1), condition=~Exists("person")),
    "add 5 minutes if there are 400": lambda t: t.update(
        _key(1), Update(add={"minutes": 5}), condition=Compare("minutes", ">", 400)
    ).new["minutes"],  # type: ignore[index]  # an update leaves an item
    "two more nights, together": lambda t: t.write_together(
        [PutItem(_night(2, 400)), PutItem(_night(3, 300, "Lagos"))]
    ),
    "together, and one condition fails": lambda t: t.write_together(
        [UpdateItem(_key(2), Update(set={"minutes": 0})), CheckItem(_key(3), Exists("nothing"))]
    ),
    "nights from the 2nd on": lambda t: [
        int(item["minutes"]) for page in pages(t.query, "17", Range(low="2017-01-02")) for item in page.items
    ],
    "the price of three nights": lambda t: t.query("17", strong=True).units,
    "the same, filtered to none": lambda t: t.query("17", strong=True, filtered=Exists("nothing")).units,
    "nights in Oslo, by the index": lambda t: len(t.query("Oslo", index="by_city").items),
    "the index, strongly": lambda t: t.query("Oslo", index="by_city", strong=True),
    "an item without a sort key": lambda t: t.put({"person": "17"}),
    "101 actions together": lambda t: t.write_together([PutItem(_night(1, n)) for n in range(101)]),
}
