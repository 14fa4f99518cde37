"""What questions and edits come to, over many documents: the numbers of the lab's experiments.

1. `looked_at`: a question over an index and over none, by the number of documents; `times_as_many` of two of these.
2. `six_orders`: one question over every order of three paths.
3. `arrays`: a ring with firmware 3, against a ring and some firmware 3.
4. `index_tax`: cards that an insert puts up, by indexes.
5. `one_field`: one field of a large profile, by get and put, and by `$set`.
6. `edits_left`: edits that are left of those that were made at once.
7. `power_cuts`: what is found after the power went before each step.
"""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import permutations
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.document.editors import WAYS, edits_at_once
from dsys_lab.scenarios.document.profiles import ANY_TWO, SAME, collection_of, profiles_of
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.document_store import COLLSCAN, CardsApart, Collection, encode
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.workloads.slumber import Slumber
from dsys_lab.workloads.slumber.profiles import DEVICE_KINDS

Points = list[tuple[float, float]]
NIGHTS: Final = 3_000
ORDERED: Final = ("city", "date", "minutes")
SHARES_OF_LENGTHS: Final = (0.1, 0.5, 0.3, 0.1)
"""Shares of the profiles with 0, 1, 2 and 3 devices, as they are drawn."""
RING_SHARE: Final = 1 / len(DEVICE_KINDS)
FIRMWARE_3_SHARE: Final = 0.2


# ------------------------------------------------------------------------------------------ 1. over a shelf or not
def looked_at(*people: int, city: str = "Oslo") -> dict[str, Points]:
    """Return (profiles, documents opened) for one city: without an index, over one; and how many live there."""
    told: dict[str, Points] = {"COLLSCAN": [], "IXSCAN": [], "returned": []}
    for count in people:
        collection = collection_of(count, ("city",))
        for name, hint in (("COLLSCAN", COLLSCAN), ("IXSCAN", "city")):
            explained = collection.explain({"city": city}, hint=hint)
            told[name].append((count, explained.docs_examined))
        told["returned"].append((count, explained.returned))
    return told


def times_as_many(opened: Points, fewer: int, more: int) -> tuple[float, float]:
    """Return how many times as many are opened of more profiles as of fewer, and the standard error of that.

    The fewer are among the more, so only those that came are new luck: a share of them, each by itself.
    """
    require_positive(fewer=fewer, more=more - fewer)
    at = dict(opened)
    came, share = at[more] - at[fewer], at[more] / more
    return at[more] / at[fewer], came / at[fewer] * math.sqrt((1 - share) * (1 / came + 1 / at[fewer]))


# ------------------------------------------------------------------------------------------ 2. the order of paths
def nights_collection(nights: int = NIGHTS) -> Collection:
    """Return nights of Slumber as flat documents: `city`, `date` (a day's number) and `minutes`."""
    require_positive(nights=nights)
    columns = Slumber(nights=nights).read("night")
    collection = Collection(VolatileDisk(), fsync=NEVER, place="nights")
    rows = zip(*(columns[name].tolist() for name in ("night_id", "city_id", "date_key", "minutes_sleep")), strict=True)
    for night, city, date, minutes in rows:
        collection.insert({"_id": night, "city": city, "date": date, "minutes": minutes})
    return collection


def six_orders(*, city: int = 0, since: int = 10, nights: int = NIGHTS) -> dict[str, dict[str, Any]]:
    """Ask *nights in a city since a day, by minutes* over each order of the three paths.

    Returns
    -------
    dict
        Order -> keys examined, documents examined, returned, and whether they had to be sorted.
    """
    collection = nights_collection(nights)
    asked = {"city": city, "date": {"$gte": since}}
    told = {}
    for order in permutations(ORDERED):
        name = collection.create_index(*order)
        explained = collection.explain(asked, sort=("minutes",), hint=name)
        told[name] = {
            "keys examined": explained.keys_examined,
            "documents examined": explained.docs_examined,
            "returned": explained.returned,
            "SORT": any(stage.name == "SORT" for stage in explained.stages),
        }
        collection.drop_index(name)
    return told


# ------------------------------------------------------------------------------------------ 3. what an array hides
def arrays(people: int = 6_320, *, seed: int = 7) -> dict[str, dict[str, int]]:
    """Ask for a ring with firmware 3 over two indexes, and for a ring and some firmware 3.

    Returns
    -------
    dict
        Way -> keys examined, documents examined, returned.
    """
    collection = collection_of(people, ("devices.kind",), ("devices.kind", "devices.fw"), seed=seed)
    ways = {
        "one device is both; index of kinds": (SAME, "devices.kind"),
        "one device is both; index of kind and firmware": (SAME, "devices.kind, devices.fw"),
        "a ring, and some firmware 3; index of kinds": (ANY_TWO, "devices.kind"),
    }
    told = {}
    for name, (asked, hint) in ways.items():
        one = collection.explain(asked, hint=hint)
        told[name] = {"keys": one.keys_examined, "documents": one.docs_examined, "returned": one.returned}
    return told


def array_shares(*people: int, seed: int = 7) -> dict[str, list[tuple[float, float, float]]]:
    """Return (profiles, share that matches, its standard error) for one device that is both, and for any two."""
    told: dict[str, list[tuple[float, float, float]]] = {"one device is both": [], "a ring, and some firmware 3": []}
    for count in people:
        collection = collection_of(count, seed=seed)
        for name, asked in zip(told, (SAME, ANY_TWO), strict=True):
            share = len(collection.find(asked)) / count
            told[name].append((count, share, math.sqrt(share * (1 - share) / count)))
    return told


def array_laws() -> dict[str, float]:
    """Return the two shares by law."""
    shares = (RING_SHARE, FIRMWARE_3_SHARE, *SHARES_OF_LENGTHS)
    return {
        "one device is both": laws.same_element_share(*shares),
        "a ring, and some firmware 3": laws.some_elements_share(*shares),
    }


# ------------------------------------------------------------------------------------------ 5. the index tax
def index_tax(*indexes: int, length: int = 1) -> Points:
    """Return (indexes, cards that one insert puts up): each index is of a path into an array of so many elements.

    The card of `_id` is counted, too.
    """
    points: Points = []
    for count in indexes:
        collection = Collection(VolatileDisk(), fsync=NEVER)
        for number in range(count):
            collection.create_index(f"list.path_{number}")
        elements = [{f"path_{number}": place for number in range(count)} for place in range(length)]
        points.append((count, collection.insert({"_id": 1, "list": elements}).cards))
    return points


# ------------------------------------------------------------------------------------------ 6. one field
def one_field(kilobytes: int = 20) -> dict[str, dict[str, int]]:
    """Change one number of a profile of so many kilobytes, as a blob under a key and as a document.

    Returns
    -------
    dict
        Way -> bytes over the wire, bytes in the log, bytes that the document takes where it lies.
    """
    require_positive(kilobytes=kilobytes)
    profile = {**profiles_of(18)[17], "note": "z" * (1_000 * kilobytes)}
    told, change = dict[str, dict[str, int]](), {"$set": {"sleep.goal": 500}}
    ways = {"get and put, as a blob": "whole", "$set, logged whole": "whole", "$set, logged as a delta": "delta"}
    for name, log in ways.items():
        collection = Collection(VolatileDisk(), log=log)
        collection.insert(profile)
        if name.startswith("get"):
            (found,) = collection.find({"_id": 17})
            after = {**found, "sleep": {**found["sleep"], "goal": 500}}
            done = collection.replace_one({"_id": 17}, after)
            wire = len(encode(found)) + len(encode(after))
        else:
            done = collection.update_one({"_id": 17}, change)
            wire = len(encode({"filter": {"_id": 17}, "update": change}))
        told[name] = {"over the wire": wire, "in the log": done.log_bytes, "where it lies": done.document_bytes}
    return told


# ------------------------------------------------------------------------------------------ 7. edits at once
def edits_left(way: str, *editors: int, edits: int = 4, seeds: int = 8) -> list[tuple[float, float, float]]:
    """Return (editors, share of their edits that is left, its standard error), over some seeds."""
    require_choice("way", way, WAYS)
    points = []
    for count in editors:
        shares = []
        for seed in range(seeds):
            *_, check = edits_at_once(seed=seed, way=way, editors=count, edits=edits).of("check")
            shares.append(int(check.fields["got"] or 0) / int(check.fields["expected"] or 1))
        mean = math.fsum(shares) / seeds
        spread = math.sqrt(math.fsum((share - mean) ** 2 for share in shares) / max(1, seeds - 1))
        points.append((float(count), mean, spread / math.sqrt(seeds)))
    return points


# ------------------------------------------------------------------------------------------ the power goes
def power_cuts(way: str, *, documents: int = 10) -> dict[str, int]:
    """Cut the power before every step of some inserts, insert one more; count steps, and documents without a card.

    Parameters
    ----------
    way : str
        "together" in one record, or "apart" in two.
    """
    require_choice("way", way, ("together", "apart"))

    def insert(disk: VolatileDisk, acknowledged: list[int]) -> None:
        store: Any = Collection(disk) if way == "together" else CardsApart(disk, "city")
        if way == "together":
            store.create_index("city")
        for number in range(documents):
            store.insert({"_id": number, "city": "Oslo"})
            acknowledged.append(number)

    whole = VolatileDisk()
    insert(whole, [])
    unknown = lost = 0
    for step in range(whole.steps + 1):
        disk, acknowledged = VolatileDisk(power_cut_before=step), list[int]()
        with suppress(PowerCut):
            insert(disk, acknowledged)
        disk.crash(stream(step, "power cut"))
        found, by_index = _found(disk, way)
        unknown += len(found - by_index)
        lost += len({*acknowledged} - found)
    return {"power cuts": whole.steps + 1, "acknowledged and lost": lost, "documents without a card": unknown}


def _found(disk: VolatileDisk, way: str) -> tuple[set[Any], set[Any]]:
    """Insert one more; return which documents are there when one looks at all, and which the index knows."""
    later = {"_id": "later", "city": "Oslo"}
    if way == "apart":
        apart = CardsApart(disk, "city")
        apart.insert(later)
        return {one["_id"] for one in apart.by_looking("Oslo")}, {one["_id"] for one in apart.by_index("Oslo")}
    store = Collection(disk)
    store.insert(later)
    every = {one["_id"] for one in store.find({"city": "Oslo"}, hint=COLLSCAN)}
    if "city" not in store.status().cards:
        return every, every
    return every, {one["_id"] for one in store.find({"city": "Oslo"}, hint="city")}


def kinds_of_hours(nights: int = 6_000) -> dict[str, int]:
    """Ask raw nights of two firmwares for more than seven hours: what is found, and what is not, for it is a string.

    Firmware 1 sends hours as a string; here one night in two was mended to a number by a later loader.
    """
    if nights < 2:
        raise BadParameter(f"nights = {nights!r}: give 2 or more")
    columns = Slumber(nights=nights).read("night")
    collection = Collection(VolatileDisk(), fsync=NEVER)
    for night, minutes in zip(columns["night_id"].tolist(), columns["minutes_sleep"].tolist(), strict=True):
        hours: Any = f"{minutes / 60:.2f}"
        collection.insert({"_id": night, "hours": float(hours) if night % 2 else hours})
    asked = {"hours": {"$gt": 7}}
    return {
        "nights": nights,
        "longer than 7 hours": int(sum(round(minutes / 60, 2) > 7 for minutes in columns["minutes_sleep"].tolist())),
        "found by {'$gt': 7}": len(collection.find(asked)),
        "found by {'$gt': '7'}": len(collection.find({"hours": {"$gt": "7"}})),
        "there already, and not let in by a validator": collection.set_validator({"hours": {"$type": "number"}}),
    }
