"""What lab 10 claims, over many seeds: the shelf and its law, the array, the list that grows, edits at once."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.document import along_the_shelf, counts, edits_at_once, flights, growing, profiles
from dsys_lab.simulation import fault
from dsys_lab.stores.document_store import DOCUMENT_BYTES_MAX
from dsys_lab.trace import Trace, lamps
from dsys_lab.views import charts
from dsys_lab.workloads.slumber import Slumber

SEEDS = range(1, 21)


# ------------------------------------------------------------------------------------------ profiles
def test_a_profile_is_a_function_of_seed_and_person() -> None:
    small, large = Slumber(seed=3, nights=1_000), Slumber(seed=3, nights=10_000)
    assert list(small.profiles()) == list(large.profiles(0, 200))
    assert list(large.profiles(150, 152)) == list(small.profiles())[150:152]
    assert list(Slumber(seed=4, nights=1_000).profiles()) != list(small.profiles())
    with pytest.raises(BadParameter, match="person"):
        small.profiles(0, 201)


def test_devices_come_in_the_shares_that_are_said() -> None:
    people = profiles.profiles_of(6_000)
    devices = [device for one in people for device in one["devices"]]
    for count, share in enumerate(counts.SHARES_OF_LENGTHS):
        found = sum(len(one["devices"]) == count for one in people) / len(people)
        assert abs(found - share) < 3 * (share * (1 - share) / len(people)) ** 0.5
    for share, found in ((counts.RING_SHARE, [d["kind"] == "ring" for d in devices]),
                         (counts.FIRMWARE_3_SHARE, [d["fw"] == 3 for d in devices])):  # fmt: skip
        assert abs(sum(found) / len(found) - share) < 3 * (share * (1 - share) / len(found)) ** 0.5


# ------------------------------------------------------------------------------------------ 1 to 3: shelves
def test_a_look_at_all_opens_all_and_a_shelf_what_it_returns() -> None:
    told = counts.looked_at(100, 300)
    assert told["COLLSCAN"] == [(100, 100), (300, 300)]
    assert told["IXSCAN"] == told["returned"]
    assert told["IXSCAN"][1][1] < 90


def test_a_town_that_grows_has_as_many_times_more_to_open() -> None:
    opened = counts.looked_at(250, 1_000)["IXSCAN"]
    times, error = counts.times_as_many(opened, 250, 1_000)
    assert times == opened[1][1] / opened[0][1]
    assert abs(times - 4) < 3 * error < 2


@pytest.mark.parametrize("since", [2, 6])
def test_equal_paths_first_then_the_order_then_the_range(since: int) -> None:
    told = counts.six_orders(since=since, nights=1_000)
    returned = {one["returned"] for one in told.values()}
    assert len(returned) == 1
    keys = {order: one["keys examined"] for order, one in told.items()}
    assert keys["city, date, minutes"] == returned.pop(), "equality, then range: the narrowest"
    assert keys["city, date, minutes"] <= keys["city, minutes, date"] < keys["date, city, minutes"]
    assert keys["minutes, city, date"] == keys["minutes, date, city"] == 1_000
    unsorted = [order for order, one in told.items() if not one["SORT"]]
    assert unsorted == ["city, minutes, date", "minutes, city, date", "minutes, date, city"]
    assert all(one["documents examined"] == one["returned"] for one in told.values()), "the card says enough"


def test_an_index_of_values_does_not_know_in_which_element_they_are() -> None:
    law = counts.array_laws()
    strayed = dict.fromkeys(law, 0.0)
    for seed in SEEDS:
        for name, [(_, share, error)] in counts.array_shares(400, seed=seed).items():
            strayed[name] += (share - law[name]) / error
    assert all(abs(one) < 3 * len(SEEDS) ** 0.5 for one in strayed.values()), strayed


def test_in_the_town_of_the_pictures_somebody_has_a_ring_and_another_firmware_3() -> None:
    town = profiles.collection_of(24, seed=5)
    assert len(town.find(profiles.ANY_TWO)) == len(town.find(profiles.SAME)) + 1


def test_only_an_index_of_both_paths_opens_nothing_in_vain() -> None:
    for seed in (1, 2, 3):
        told = counts.arrays(600, seed=seed)
        kinds, both, any_two = told.values()
        assert both["documents"] == both["returned"] == kinds["returned"] < any_two["returned"] < kinds["documents"]


@pytest.mark.parametrize("question", profiles.QUESTIONS)
@pytest.mark.parametrize("index", ["none", "city, minutes", "kind, firmware"])
def test_the_picture_shows_what_was_counted(question: str, index: str) -> None:
    trace = along_the_shelf(question=question, index=index, people=24)
    reads = trace.of("document_read")
    collection = profiles.collection_of(24)
    wanted = {one["_id"] for one in collection.find(profiles.QUESTIONS[question])}
    assert {row.fields["page"] for row in reads if row.fields["used_bytes"]} == wanted
    trees = [row for row in trace.of("document_read", "block_skip") if row.fields["file"] == "documents"]
    assert len(trees) == 24, "each once, opened or left alone"
    chart = charts.shelf_and_trees(trace)
    assert f"{len(reads)} of 24 documents opened, {len(reads) - len(wanted)} of them in vain" in str(chart)


def test_a_chart_without_trees_or_with_a_forest_is_refused() -> None:
    for trace in (Trace(), along_the_shelf(people=60)):
        with pytest.raises(BadParameter, match="along_the_shelf"):
            charts.shelf_and_trees(trace)


# ------------------------------------------------------------------------------------------ 4 to 6: what writing costs
@pytest.mark.parametrize("nights", [1, 7, 64])
def test_a_list_that_grows_is_written_by_its_law(nights: int) -> None:
    head, night = growing.parts_bytes()
    for shape, bucket in (("embed", None), ("reference", 1), ("bucket", 8)):
        one = growing.grown(shape, nights, bucket=8, newest=10)
        assert one.written_bytes == laws.grown_bytes(nights, head_bytes=head, element_bytes=night, bucket=bucket)
    assert growing.grown("embed", nights).opened == 1
    assert growing.grown("reference", nights, newest=10).opened == min(nights, 10)


@pytest.mark.parametrize("element_bytes", [1, 7_001, 50_000])
def test_so_many_fit_into_a_document_and_not_one_more(element_bytes: int) -> None:
    head, _ = growing.parts_bytes()
    count = growing.fits(element_bytes)
    assert head + count * element_bytes <= DOCUMENT_BYTES_MAX < head + (count + 1) * element_bytes


def test_embedding_is_a_square_and_buckets_are_a_line() -> None:
    long, short = ({shape: growing.grown(shape, nights) for shape in growing.SHAPES} for nights in (120, 60))
    ratio = {shape: long[shape].written_bytes / short[shape].written_bytes for shape in growing.SHAPES}
    assert ratio["embed"] > 3.5
    assert 1.9 < ratio["bucket"] < 2.1
    assert ratio["reference"] == 2


@pytest.mark.parametrize("length", [0, 1, 4])
def test_each_index_is_paid_for_at_each_insert(length: int) -> None:
    for indexes, cards in counts.index_tax(0, 1, 5, length=length):
        assert cards == 1 + laws.cards_of_insert(*[length] * int(indexes))


def test_a_field_is_changed_by_its_own_bytes_and_the_document_still_written_whole() -> None:
    blob, whole, delta = counts.one_field(20).values()
    assert blob["over the wire"] > 40_000
    assert whole["over the wire"] == delta["over the wire"] < 200
    assert blob["in the log"] == whole["in the log"] > 20_000
    assert delta["in the log"] < 200
    assert blob["where it lies"] == delta["where it lies"] > 20_000


# ------------------------------------------------------------------------------------------ 7: at once
@pytest.mark.parametrize("seed", SEEDS)
def test_who_sends_the_whole_back_undoes_the_others(seed: int) -> None:
    def left(way: str) -> int:
        *_, check = edits_at_once(seed=seed, way=way, editors=4, edits=4).of("check")
        return check.fields["got"]

    assert left("inc") == left("version") == 16
    assert laws.edits_left(4, 4) <= left("replace") < 16


@pytest.mark.parametrize("seed", range(4))
def test_inc_is_one_call_an_edit_and_a_version_two_for_each_try(seed):
    runs = {way: edits_at_once(seed=seed, way=way) for way in ("replace", "version", "inc")}
    calls = {way: len(run.of("send")) for way, run in runs.items()}
    assert (calls["inc"], calls["replace"]) == (12, 24)
    assert calls["version"] == 24 + 2 * len(runs["version"].of("fail")) > 24


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("way", ["replace", "version", "inc"])
def test_the_lamp_lights_at_each_write_that_undoes_another(seed: int, way: str) -> None:
    trace = edits_at_once(seed=seed, way=way)
    (lamp,) = lamps(trace)
    *undone, last = [trace[seq].fields for seq in lamp.rows] or [None]
    assert lamp.held == (way != "replace") == (last is None)
    if last is not None:
        assert sum(one["expected"] - one["got"] for one in undone) == last["expected"] - last["got"] > 0


def test_one_editor_alone_loses_nothing() -> None:
    (check,) = edits_at_once(way="replace", editors=1).of("check")
    assert check.fields["ok"]


# ------------------------------------------------------------------------------------------ trouble
def test_in_one_record_nothing_comes_apart() -> None:
    together, apart = counts.power_cuts("together"), counts.power_cuts("apart")
    assert together["acknowledged and lost"] == apart["acknowledged and lost"] == 0
    assert together["documents without a card"] == 0 < apart["documents without a card"]
    assert together["power cuts"] > 20


def test_a_string_is_longer_than_no_number() -> None:
    told = counts.kinds_of_hours(600)
    assert 0.4 < told["found by {'$gt': 7}"] / told["longer than 7 hours"] < 0.6
    assert told["there already, and not let in by a validator"] == 300


def test_flights_without_a_plane_are_found_by_what_they_lack() -> None:
    told = flights.asked_of_flights()
    assert told["no plane assigned"]["returned"] == 336
    assert told["no plane assigned"]["documents"] == 336, "absent stands on the cards as null"
    assert told["cancelled"]["documents"] == flights.sizes()["flights"] == 2_443
    assert told["to Honolulu"]["documents"] == told["to Honolulu"]["returned"] > 0
    for words, one in told.items():
        assert one["returned"] > 0, words
    assert 0.45 < flights.sizes()["of these names and tags"] / flights.sizes()["bytes a document"] < 0.55


@pytest.mark.parametrize(
    "call",
    [lambda: along_the_shelf(question="all"), lambda: along_the_shelf(index="all"), lambda: along_the_shelf(people=0),
     lambda: edits_at_once(way="hope"), lambda: edits_at_once(editors=0), lambda: edits_at_once(editors=9),
     lambda: edits_at_once(think_s=0.0), lambda: growing.grown("pile", 3), lambda: growing.grown("embed", 0),
     lambda: counts.power_cuts("never"), lambda: flights.flight_collection(31, 2), lambda: counts.one_field(0),
     lambda: laws.same_element_share(2, 0.1, 1), lambda: laws.some_elements_share(0.1, 0.1, 0.5),
     lambda: laws.grown_bytes(3, head_bytes=0, element_bytes=1), lambda: laws.cards_of_insert(-1),
     lambda: laws.edits_left(0, 1), lambda: profiles.profiles_of(0), lambda: growing.fits(0),
     lambda: along_the_shelf(people=401)],
    ids=range(20),
)  # fmt: skip
def test_a_wrong_parameter_is_told(call) -> None:
    with pytest.raises(BadParameter, match="give"):
        call()


def test_a_fault_strikes_an_editor_and_the_profile_stays_whole() -> None:
    trace = edits_at_once(way="inc", faults=[fault({"do": "crash", "target": "phone", "at_s": 1.0})])
    (check,) = trace.of("check")
    assert 8 <= check.fields["got"] <= 12
