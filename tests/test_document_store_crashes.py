"""The power goes before every durable step: every card has its document, and nothing acknowledged is lost."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from dsys_lab.errors import Damaged
from dsys_lab.stores.document_store import CardsApart, Collection
from dsys_lab.structures.disk import PowerCut, VolatileDisk

State = list[dict[str, Any]]


def work(disk: VolatileDisk, log: str, states: list[State]) -> None:
    """Every verb that writes; `states` ends with what was acknowledged and, in the midst of one, what will be."""
    collection = Collection(disk, log=log)

    def does(after: State, call: Any) -> None:
        states.append(deepcopy(after))
        call()
        del states[:-1]

    now = states[-1]
    collection.create_index("devices.kind", "devices.fw")
    for number in range(6):
        one = {"_id": number, "city": "Oslo", "devices": [{"kind": "ring", "fw": number}, {"kind": "mat", "fw": 1}]}
        now = [*now, one]
        does(now, lambda one=one: collection.insert(one))
    collection.create_index("city", sparse=True)
    for number in range(6):
        grown = {**now[number], "nights": 1, "devices": [*now[number]["devices"], {"kind": "cap"}]}
        now = [grown if one["_id"] == number else one for one in now]
        update = {"$inc": {"nights": 1}, "$push": {"devices": {"kind": "cap"}}}
        does(now, lambda number=number, update=update: collection.update_one({"_id": number}, update))
    now = [one for one in now if one["_id"] != 2]
    does(now, lambda: collection.delete_one({"_id": 2}))
    collection.set_validator({"city": {"$exists": True}})
    now = [{"_id": 3, "city": "Rome"} if one["_id"] == 3 else one for one in now]
    does(now, lambda: collection.replace_one({"_id": 3}, {"_id": 3, "city": "Rome"}))
    collection.drop_index("city")


@pytest.mark.parametrize("log", ["delta", "whole"])
def test_the_power_may_go_before_any_step(log: str) -> None:
    whole = VolatileDisk()
    work(whole, log, [[]])
    assert whole.steps > 30
    for step in range(whole.steps + 1):
        disk, states = VolatileDisk(power_cut_before=step), [[]]
        with suppress(PowerCut):
            work(disk, log, states)
        disk.crash(Random(step).random)
        collection = Collection(disk, log=log)
        assert collection.violations() == []
        found = collection.documents()
        assert found in states, step
        for name in collection.status().cards:
            asked = {"devices.kind": "mat"} if name.startswith("devices") else {"city": "Oslo"}
            expected = sorted(one["_id"] for one in collection.find(asked, hint="COLLSCAN"))
            assert sorted(one["_id"] for one in collection.find(asked, hint=name)) == expected


def test_a_document_and_its_cards_apart_lose_each_other() -> None:
    def insert(disk: VolatileDisk) -> None:
        store = CardsApart(disk, "city")
        for number in range(10):
            store.insert({"_id": number, "city": "Oslo"})

    whole, torn = VolatileDisk(), 0
    insert(whole)
    assert CardsApart(whole, "city").violations() == []
    for step in range(whole.steps + 1):
        disk = VolatileDisk(power_cut_before=step)
        with suppress(PowerCut):
            insert(disk)
        disk.crash(Random(step).random)
        store = CardsApart(disk, "city")
        lost = len(store.by_looking("Oslo")) - len(store.by_index("Oslo"))
        assert lost == len(store.violations())
        torn += lost
    assert torn >= 10, "once for each document"


def test_a_flipped_bit_in_the_journal_is_damage() -> None:
    whole = VolatileDisk()
    work(whole, "delta", [[]])
    (name,) = whole.names()
    for offset in range(40, 400, 30):
        disk = VolatileDisk()
        work(disk, "delta", [[]])
        disk.flip(name, offset)
        with pytest.raises(Damaged):
            Collection(disk)
