"""The model of the partitioned table and the DynamoDB API keep the same promises: one suite, two factories.

A case that the engine does not imitate is skipped under the name that `DYNAMODB` gives, and below stands a test for
each of its rows that goes red when the engine has changed its mind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from dsys_lab.engines import aws
from dsys_lab.engines.aws.key_value import DYNAMODB, DynamoTable
from dsys_lab.engines.difference import Difference
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned import (
    BeginsWith,
    CheckItem,
    Compare,
    ConditionFailed,
    DeleteItem,
    Exists,
    GlobalIndex,
    KeySchema,
    LocalIndex,
    PartitionedTable,
    PutItem,
    Range,
    Settings,
    Throttled,
    TransactionCanceled,
    Update,
    UpdateItem,
)
from dsys_lab.stores.key_value.partitioned.verbs import ClockedTable, pages

NIGHTS = KeySchema("person", "night")
BY_CITY = GlobalIndex("by_city", KeySchema("city", "minutes", sort_kind="N"))
BY_MINUTES = LocalIndex("by_minutes", "minutes")
Make = Callable[..., Any]


def night(person: str, day: int, minutes: int = 435, **more: Any) -> dict[str, Any]:
    return {"person": person, "night": f"2017-01-{day:02d}", "minutes": minutes, **more}


def key(person: str, day: int) -> dict[str, Any]:
    return {"person": person, "night": f"2017-01-{day:02d}"}


def all_items(ask: Callable[..., Any], *args: Any, **given: Any) -> list[dict[str, Any]]:
    return [dict(item) for page in pages(ask, *args, **given) for item in page.items]


def model_table(keys: KeySchema, local: tuple[LocalIndex, ...], over_all: tuple[GlobalIndex, ...]) -> ClockedTable:
    much = {"write_rate": 1e6, "write_limit": 1e6, "read_rate": 1e6, "read_limit": 1e6}
    return ClockedTable(
        PartitionedTable("nights", keys, Settings(partitions=4, local_indexes=local, global_indexes=over_all, **much))
    )


def dynamo_table(keys: KeySchema, local: tuple[LocalIndex, ...], over_all: tuple[GlobalIndex, ...]) -> DynamoTable:
    return DynamoTable(keys, local_indexes=local, global_indexes=over_all)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()


class Cases:
    """What a table of items promises, asked of whatever `open_table` opens."""

    open_table: ClassVar[Callable[..., Any]]
    differences: ClassVar[tuple[Difference, ...]] = ()

    @pytest.fixture(autouse=True)
    def skip_by_name(self, request: pytest.FixtureRequest) -> None:
        case = request.node.originalname.removeprefix("test_")
        for difference in self.differences:
            if case in difference.skips:
                pytest.skip(f"{difference.model} | {difference.engine}")

    @pytest.fixture
    def make(self) -> Iterator[Make]:
        with ExitStack() as opened:

            def make(*items: Any, keys: KeySchema = NIGHTS, local: Any = (), over_all: Any = ()) -> Any:
                table = type(self).open_table(keys, local, over_all)
                if hasattr(table, "__exit__"):
                    opened.enter_context(table)
                for item in items:
                    table.put(item)
                return table

            yield make

    # -------------------------------------------------------------------------------- one item
    def test_what_was_put_is_read_back_in_every_kind(self, make: Make) -> None:
        item = night(
            "17",
            1,
            note="Århus",
            share=Decimal("0.25"),
            raw=b"\x00\xff",
            woke=None,
            ok=True,
            stages=[1, "rem", {"deep": [Decimal("1.5")]}],
            empty={},
            none=[],
            tags=frozenset({"a", "b"}),
            numbers=frozenset({1, 2}),
            big=10**30,
            small=-3,
            zero=0,
        )
        table = make(item)
        assert table.get(key("17", 1), strong=True).item == item

    def test_a_key_that_is_not_there_has_no_item_and_deleting_it_is_no_error(self, make: Make) -> None:
        table = make()
        assert table.get(key("17", 1), strong=True).item is None
        assert table.delete(key("17", 1)).old is None

    def test_a_put_takes_the_place_of_the_whole_item_and_says_what_was_there(self, make: Make) -> None:
        table = make(night("17", 1, 400, city="Oslo"))
        assert table.put(night("17", 1, 500)).old == night("17", 1, 400, city="Oslo")
        assert table.get(key("17", 1), strong=True).item == night("17", 1, 500)
        assert table.delete(key("17", 1)).old == night("17", 1, 500)
        assert table.get(key("17", 1), strong=True).item is None

    def test_an_update_changes_what_it_names_and_nothing_else(self, make: Make) -> None:
        table = make(night("17", 1, 400, city="Oslo", old=1))
        change = Update(set={"city": "Lagos"}, add={"minutes": 35, "woke": 2}, remove=["old"])
        assert table.update(key("17", 1), change).new == night("17", 1, 435, city="Lagos", woke=2)
        assert table.get(key("17", 1), strong=True).item == night("17", 1, 435, city="Lagos", woke=2)

    def test_an_update_of_nothing_begins_with_the_key(self, make: Make) -> None:
        table = make()
        assert table.update(key("17", 1), Update(add={"minutes": 5})).new == {**key("17", 1), "minutes": 5}

    def test_adding_to_a_set_joins_it(self, make: Make) -> None:
        table = make(night("17", 1, tags=frozenset({"a"})))
        assert table.update(key("17", 1), Update(add={"tags": frozenset({"a", "b"})})).new["tags"] == {"a", "b"}

    # -------------------------------------------------------------------------------- conditions
    def test_a_condition_that_does_not_hold_changes_nothing(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        for condition in (
            ~Exists("person"),
            Compare("minutes", ">", 400),
            Compare("minutes", "=", "400"),
            Compare("city", "<", "Z"),
            BeginsWith("night", "2018"),
            Exists("city") | Exists("note"),
            Exists("person") & Exists("city"),
        ):
            with pytest.raises(ConditionFailed):
                table.put(night("17", 1, 999), condition=condition)
            with pytest.raises(ConditionFailed):
                table.update(key("17", 1), Update(set={"minutes": 999}), condition=condition)
            with pytest.raises(ConditionFailed):
                table.delete(key("17", 1), condition=condition)
        assert table.get(key("17", 1), strong=True).item == night("17", 1, 400)

    def test_a_truth_inside_of_a_list_is_no_number(self, make: Make) -> None:
        table = make(night("17", 1, seen=[True, "a"]))
        with pytest.raises(ConditionFailed):
            table.put(night("17", 1, 999), condition=Compare("seen", "=", [1, "a"]))
        table.put(night("17", 1, 999), condition=Compare("seen", "=", [True, "a"]))

    def test_a_condition_that_holds_lets_the_write_through(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        for minutes, condition in enumerate(
            (
                Exists("person"),
                Compare("minutes", ">=", 0),
                ~Compare("city", "=", "Oslo"),
                BeginsWith("night", "2017-"),
                Exists("city") | Compare("person", "=", "17"),
                ~Exists("city") & Exists("minutes"),
            )
        ):
            table.put(night("17", 1, minutes), condition=condition)
            assert table.get(key("17", 1), strong=True).item["minutes"] == minutes

    def test_of_two_who_create_one_item_the_second_is_told(self, make: Make) -> None:
        table = make()
        table.put(night("17", 1, 1), condition=~Exists("person"))
        with pytest.raises(ConditionFailed):
            table.put(night("17", 1, 2), condition=~Exists("person"))
        assert table.get(key("17", 1), strong=True).item["minutes"] == 1

    # -------------------------------------------------------------------------------- ranges
    def test_a_query_gives_one_collection_in_the_order_of_its_sort_key(self, make: Make) -> None:
        table = make(*(night("17", day, 400 + day) for day in (3, 1, 10, 2)), night("18", 1))
        assert [item["minutes"] for item in all_items(table.query, "17", strong=True)] == [401, 402, 403, 410]
        assert [item["minutes"] for item in all_items(table.query, "17", descending=True)] == [410, 403, 402, 401]
        assert all_items(table.query, "19") == []

    @pytest.mark.parametrize(
        ("within", "days"),
        [
            (Range(low="2017-01-02"), [2, 3, 10]),
            (Range(high="2017-01-02"), [1, 2]),
            (Range(low="2017-01-02", high="2017-01-03"), [2, 3]),
            (Range(prefix="2017-01-0"), [1, 2, 3]),
            (Range(low="2018"), []),
        ],
    )
    def test_a_range_of_sort_keys_has_both_ends(self, make: Make, within: Range, days: list[int]) -> None:
        table = make(*(night("17", day, 400 + day) for day in (3, 1, 10, 2)))
        assert [item["minutes"] - 400 for item in all_items(table.query, "17", within)] == days

    def test_numbers_sort_as_numbers_and_bytes_as_bytes(self, make: Make) -> None:
        numbered = make(
            *({"p": "x", "n": n} for n in (9, 10, -1, Decimal("9.5"))), keys=KeySchema("p", "n", sort_kind="N")
        )
        assert [item["n"] for item in all_items(numbered.query, "x")] == [-1, 9, Decimal("9.5"), 10]
        raw = make(
            *({"p": "x", "b": b} for b in (b"9", b"10", b"\xff", b"\x00")), keys=KeySchema("p", "b", sort_kind="B")
        )
        assert [item["b"] for item in all_items(raw.query, "x")] == [b"\x00", b"10", b"9", b"\xff"]

    def test_pages_of_two_give_everything_once(self, make: Make) -> None:
        table = make(*(night("17", day) for day in range(1, 6)), night("18", 1))
        told = pages(table.query, "17", limit=2)
        assert [page.examined for page in told][:2] == [2, 2]
        assert [item["night"][-1] for page in told for item in page.items] == ["1", "2", "3", "4", "5"]
        scanned = all_items(table.scan, limit=2)
        assert sorted((item["person"], item["night"]) for item in scanned) == sorted(
            [("17", f"2017-01-0{day}") for day in range(1, 6)] + [("18", "2017-01-01")]
        )

    def test_a_page_ends_at_one_megabyte_of_what_was_examined(self, make: Make) -> None:
        table = make(*(night("17", day, note="x" * 300_000) for day in range(1, 6)))
        told = pages(table.query, "17")
        assert [page.examined for page in told if page.examined] == [3, 2]

    def test_a_filter_makes_the_answer_smaller_and_not_the_bill(self, make: Make) -> None:
        table = make(*(night("17", day, note="x" * 3010) for day in range(1, 19)))
        whole = table.query("17", strong=True)
        sizes = {page.size_bytes for page in (whole, table.query("17", strong=True, filtered=Exists("city")))}
        assert (whole.examined, len(sizes)) == (18, 1)
        assert table.query("17", strong=True, filtered=Exists("city")).items == ()
        assert table.query("17", strong=True, filtered=Exists("city")).units == whole.units == 14
        assert table.query("17", filtered=Compare("night", "<", "2017-01-03")).units == 7

    # -------------------------------------------------------------------------------- price
    def test_units_are_counted_from_the_bytes(self, make: Make) -> None:
        table = make()
        assert table.put({"person": "17", "night": "x", "note": "x" * (3000 - 23)}).units == 3
        assert table.put(night("18", 1, note="x" * (20 * 1024 - 45))).units == 20
        assert (table.get(key("18", 1), strong=True).units, table.get(key("18", 1)).units) == (5, 2.5)
        assert (table.get(key("19", 1), strong=True).units, table.get(key("19", 1)).units) == (1, 0.5)

    # -------------------------------------------------------------------------------- indexes
    def test_an_index_finds_by_another_attribute_what_has_it(self, make: Make) -> None:
        table = make(
            night("17", 1, 400, city="Oslo"),
            night("18", 1, 300, city="Oslo"),
            night("19", 1, 500, city="Lagos"),
            night("20", 1),
            over_all=(BY_CITY,),
        )
        assert [item["person"] for item in all_items(table.query, "Oslo", index="by_city")] == ["18", "17"]
        assert [item["person"] for item in all_items(table.query, "Oslo", Range(low=350), index="by_city")] == ["17"]
        table.update(key("17", 1), Update(set={"city": "Lagos"}))
        table.delete(key("18", 1))
        assert [item["person"] for item in all_items(table.query, "Lagos", index="by_city")] == ["17", "19"]
        assert all_items(table.query, "Oslo", index="by_city") == []

    def test_a_global_index_is_not_read_strongly(self, make: Make) -> None:
        table = make(over_all=(BY_CITY,))
        with pytest.raises(BadParameter):
            table.query("Oslo", index="by_city", strong=True)

    def test_an_index_keeps_only_what_it_was_told_to(self, make: Make) -> None:
        spare = GlobalIndex("spare", KeySchema("city"), include=("minutes",))
        table = make(night("17", 1, 400, city="Oslo", note="long"), over_all=(spare,))
        assert all_items(table.query, "Oslo", index="spare") == [night("17", 1, 400, city="Oslo")]

    def test_a_local_index_sorts_one_collection_and_may_be_read_strongly(self, make: Make) -> None:
        table = make(night("17", 1, 500), night("17", 2, 300), {**key("17", 3)}, local=(BY_MINUTES,))
        found = all_items(table.query, "17", index="by_minutes", strong=True)
        assert [item["minutes"] for item in found] == [300, 500]

    def test_an_unknown_index_is_refused(self, make: Make) -> None:
        with pytest.raises(BadParameter, match="nowhere"):
            make().query("Oslo", index="nowhere")

    # -------------------------------------------------------------------------------- transactions
    def test_a_transaction_does_everything(self, make: Make) -> None:
        table = make(night("17", 1, 400), night("18", 1, 400))
        table.write_together(
            [
                PutItem(night("19", 1), ~Exists("person")),
                UpdateItem(key("17", 1), Update(add={"minutes": 1})),
                DeleteItem(key("18", 1)),
                CheckItem(key("20", 1), ~Exists("person")),
            ]
        )
        assert [read.item for read in table.read_together([key("17", 1), key("18", 1), key("19", 1)])] == [
            night("17", 1, 401),
            None,
            night("19", 1),
        ]

    def test_a_transaction_that_fails_says_why_for_each_action_and_does_nothing(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        with pytest.raises(TransactionCanceled) as told:
            table.write_together(
                [
                    PutItem(night("18", 1)),
                    UpdateItem(key("17", 1), Update(set={"minutes": 0}), Compare("minutes", ">", 400)),
                ]
            )
        assert told.value.reasons == ("None", "ConditionalCheckFailed")
        assert [read.item for read in table.read_together([key("17", 1), key("18", 1)])] == [night("17", 1, 400), None]

    def test_under_one_token_a_transaction_is_done_once(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        for _ in range(3):
            table.write_together([UpdateItem(key("17", 1), Update(add={"minutes": 1}))], token="once")
        assert table.get(key("17", 1), strong=True).item["minutes"] == 401

    def test_other_actions_under_the_same_token_are_refused(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        table.write_together([UpdateItem(key("17", 1), Update(add={"minutes": 1}))], token="once")
        with pytest.raises(BadParameter):
            table.write_together([UpdateItem(key("17", 1), Update(add={"minutes": 2}))], token="once")
        assert table.get(key("17", 1), strong=True).item["minutes"] == 401

    # -------------------------------------------------------------------------------- changes
    def test_the_stream_has_every_change_in_order_with_both_images(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        table.update(key("17", 1), Update(set={"minutes": 500}))
        table.delete(key("17", 1))
        table.delete(key("17", 1))
        told = [(change.name, change.old, change.new) for change in table.changes()]
        assert told == [
            ("INSERT", None, night("17", 1, 400)),
            ("MODIFY", night("17", 1, 400), night("17", 1, 500)),
            ("REMOVE", night("17", 1, 500), None),
        ]
        assert [change.key for change in table.changes(after=1)] == [key("17", 1)]

    def test_no_change_is_left_out_however_few_a_call_returns(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dsys_lab.engines.aws.key_value.table.PAGE_RECORDS", 3)
        table = make(*(night("17", day) for day in range(1, 9)))
        assert [change.key for change in table.changes()] == [key("17", day) for day in range(1, 9)]
        assert [change.key for change in table.changes(after=5, limit=1)] == [key("17", 7)]

    # -------------------------------------------------------------------------------- what is no call
    @pytest.mark.parametrize(
        "item",
        [
            {"person": "17"},
            {"person": 17, "night": "x"},
            {"person": "", "night": "x"},
            {"person": "17", "night": "x" * 1025},
            {"person": "x" * 2049, "night": "x"},
            {"person": "17", "night": "x", "note": "x" * 409_600},
            {"person": "17", "night": "x", "minutes": 7.25},
        ],
        ids=[
            "no sort key",
            "a number for a string",
            "empty",
            "sort key too long",
            "partition key too long",
            "too large",
            "a float",
        ],
    )
    def test_what_is_no_item_of_the_table_is_refused_and_nothing_is_stored(self, make: Make, item: Any) -> None:
        table = make()
        with pytest.raises(BadParameter):
            table.put(item)
        assert all_items(table.scan) == []

    def test_the_largest_item_is_taken(self, make: Make) -> None:
        table = make()
        table.put({"person": "17", "night": "x", "note": "x" * (409_600 - 6 - 2 - 5 - 1 - 4)})
        assert len(all_items(table.query, "17")) == 1

    def test_the_key_cannot_be_updated(self, make: Make) -> None:
        table = make(night("17", 1))
        with pytest.raises(BadParameter):
            table.update(key("17", 1), Update(set={"night": "2017-01-02"}))

    def test_a_string_cannot_be_added_to(self, make: Make) -> None:
        table = make(night("17", 1, city="Oslo"))
        with pytest.raises(BadParameter):
            table.update(key("17", 1), Update(add={"city": 1}))
        assert table.get(key("17", 1), strong=True).item["city"] == "Oslo"

    def test_a_transaction_has_one_to_a_hundred_actions_each_on_its_own_item(self, make: Make) -> None:
        table = make()
        for actions in (
            [],
            [PutItem(night("17", 1)), DeleteItem(key("17", 1))],
            [PutItem(night(str(n), 1)) for n in range(101)],
        ):
            with pytest.raises(BadParameter):
                table.write_together(actions)
        assert all_items(table.scan) == []
        table.write_together([PutItem(night(str(n), 1)) for n in range(100)])
        assert len(all_items(table.scan)) == 100


class TestModel(Cases):
    open_table = staticmethod(model_table)

    def test_an_eventual_read_may_be_behind(self) -> None:
        table = PartitionedTable("nights", NIGHTS, lag=lambda follower: 1000 * follower)
        table.put(0, night("17", 1, 1))
        table.tick(5000)
        table.put(5000, night("17", 1, 2))
        table.tick(6000)
        reads = [table.get(6000, key("17", 1), replica=n).item["minutes"] for n in range(3)]
        assert reads == [2, 2, 1]
        assert table.get(6000, key("17", 1), strong=True).item["minutes"] == 2


class TestDynamoDb(Cases):
    open_table = staticmethod(dynamo_table)
    differences = DYNAMODB

    # -------------------------------------------------------------------------------- each difference, proven
    def test_units_by_moto_are_a_constant_and_ours_say_that_they_are_the_models(self, make: Make) -> None:
        table = make()
        put = {
            "TableName": table.name,
            "Item": {"person": {"S": "17"}, "night": {"S": "x"}, "note": {"S": "x" * 2978}},
            "ReturnConsumedCapacity": "TOTAL",
        }
        connection = aws.connection()
        assert connection.call("dynamodb", "put_item", **put)["ConsumedCapacity"] == {
            "CapacityUnits": 3.0,
            "By": "model",
        }
        bare = connection._make_client(
            "dynamodb",
            endpoint_url=f"http://127.0.0.1:{connection.server.port}",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        assert bare.put_item(**put)["ConsumedCapacity"]["CapacityUnits"] == 1.0

    def test_it_never_throttles(self, make: Make) -> None:
        table = make()
        for n in range(12):
            table.put({"person": "17", "night": str(n), "note": "x" * 400_000})  # 4,700 units in about a second
        model = PartitionedTable("nights", NIGHTS)
        for n in range(3):
            model.put(0, {"person": "17", "night": str(n), "note": "x" * 300_000})
        with pytest.raises(Throttled):
            model.put(0, {"person": "17", "night": "3", "note": "x" * 300_000})

    def test_an_index_is_there_at_once(self, make: Make) -> None:
        table = make(over_all=(BY_CITY,))
        for n in range(5):
            table.put(night(str(n), 1, n, city="Oslo"))
            assert len(table.query("Oslo", index="by_city").items) == n + 1

    def test_a_token_is_not_remembered(self, make: Make) -> None:
        table = make(night("17", 1, 400))
        for _ in range(3):
            table.write_together([UpdateItem(key("17", 1), Update(add={"minutes": 1}))], token="once")
        assert table.get(key("17", 1)).item["minutes"] == 403

    def test_an_item_ends_at_405_000_bytes(self, make: Make) -> None:
        table = make({"person": "17", "night": "x", "note": "x" * 404_900})
        with pytest.raises(BadParameter, match="size"):
            table.put({"person": "17", "night": "x", "note": "x" * 405_000})

    def test_an_update_says_the_new_item_only(self, make: Make) -> None:
        assert make(night("17", 1)).update(key("17", 1), Update(set={"city": "Oslo"})).old is None

    def test_a_scan_goes_over_everything_in_one_page(self, make: Make) -> None:
        assert make(*(night(str(n), 1) for n in range(20))).scan().next is None

    def test_the_table_is_gone_afterwards(self) -> None:
        with DynamoTable(NIGHTS) as table:
            name = table.name
        with pytest.raises(Refused, match="ResourceNotFound"):
            aws.connection().call("dynamodb", "describe_table", TableName=name)


def test_every_skip_is_a_case() -> None:
    skipped = {f"test_{case}" for difference in DYNAMODB for case in difference.skips}
    assert sorted(name for name in skipped if not hasattr(Cases, name)) == []
