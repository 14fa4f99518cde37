"""What all SQL engines share: a file that comes and goes, one door for columns, and no error but ours."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsys_lab.engines.duckdb import DuckdbTable
from dsys_lab.engines.sql_table import SqlTable
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.table import Measure
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Trace

SCHEMA = Schema.of("id u32, x u8, y f64?, z text?")
Engine = Callable[..., SqlTable]
GOOD: dict[str, Any] = {"id": [1, 2], "x": [7, 8], "y": [0.5, None], "z": [None, "b"]}


@pytest.fixture(params=[SqliteTable, DuckdbTable])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


# --------------------------------------------------------------------------------------- a file

def test_its_file_goes_with_it_and_a_given_folder_stays(engine: Engine, tmp_path: Path) -> None:
    with engine("night", SCHEMA, key="id") as table:
        path = table.path
        assert path.is_file()
    assert not path.exists()
    folder = tmp_path / "made" / "if it is missing"
    with engine("night", SCHEMA, key="id", folder=folder) as table:
        table.append([(1, 1, None, "kept")])
    with engine("night", SCHEMA, key="id", folder=folder) as again:
        assert again.get(1) == (1, 1, None, "kept")


@pytest.mark.parametrize(("schema", "key"), [
    ("id u32, x u8, y f64?", "id"), ("id u32, x u8, y f64?, zz text?", "id"), ("id u32, x text, y f64?, z text?", "id"),
    ("id u32, x u8?, y f64?, z text?", "id"), ("id u32, x u8, y f64?, z text?", "x"),
])  # fmt: skip
def test_a_table_is_opened_only_as_what_it_is(engine: Engine, tmp_path: Path, schema: str, key: str) -> None:
    with engine("night", SCHEMA, key="id", folder=tmp_path) as table:
        table.append([(1, 1, None, "kept")])
    with pytest.raises(BadParameter, match=r"night\.\w+ holds another table \(id "):
        engine("night", Schema.of(schema), key=key, folder=tmp_path)
    with engine("night", SCHEMA, key="id", folder=tmp_path) as table:
        assert table.get(1) == (1, 1, None, "kept")


@pytest.mark.parametrize("damage", ["a bit", "cut short", "something else"])
def test_a_damaged_file_is_named(engine: Engine, tmp_path: Path, damage: str) -> None:
    with engine("night", SCHEMA, key="id", folder=tmp_path) as table:
        table.append((key, 1, 0.5, "x" * 100) for key in range(5000))
        table.checkpoint()
        path = table.path
    data = bytearray(path.read_bytes())
    data[1] ^= 1
    shortened = path.read_bytes()[: len(data) // 2 + 100]
    path.write_bytes({"a bit": bytes(data), "cut short": shortened, "something else": b"no database" * 5000}[damage])

    def ask() -> None:
        with engine("night", SCHEMA, key="id", folder=tmp_path) as again:
            list(again.scan())

    with pytest.raises(Damaged, match=f"{path.name} is not what was written.*restore it from a copy"):
        ask()


# --------------------------------------------------------------------------------------- columns

def test_columns_are_sequences_or_arrays_with_null_as_none_or_masked(engine: Engine) -> None:
    with engine("night", SCHEMA, key="id") as table:
        assert table.append_columns(GOOD) == 2
        y = np.ma.masked_array([1.5, 0.0], [False, True])
        assert table.append_columns({"z": ["c", None], "y": y, "x": np.array([1, 2]), "id": np.array([3, 4])}) == 2
        assert table.append_columns({name: [] for name in SCHEMA.names}) == 0
        assert sorted(table.scan()) == [(1, 7, 0.5, None), (2, 8, None, "b"), (3, 1, 1.5, "c"), (4, 2, None, None)]


@pytest.mark.parametrize(("wrong", "says"), [
    ({"x": [1.5, 2.0]}, "row 0: column 'x': 1.5 is a float"),
    ({"x": np.array([1.5, 2.0])}, "row 0: column 'x': 1.5 is a float"),
    ({"x": np.array([1, 256])}, "row 1: column 'x': 256 is out of range"),
    ({"x": [1, None]}, "'x': NULL"),
    ({"y": np.array([1.0, np.nan])}, "row 1: column 'y': nan"),
    ({"z": ["a", 5]}, "row 1: column 'z': 5 is a int"),
    ({"x": [1]}, "different lengths"),
    ({"w": [1, 2]}, "no column 'w'"),
])  # fmt: skip
def test_a_column_that_does_not_fit_refuses_all(engine: Engine, wrong: dict[str, Any], says: str) -> None:
    with engine("night", SCHEMA, key="id") as table:
        with pytest.raises(BadParameter, match=says):
            table.append_columns(GOOD | wrong)
        with pytest.raises(BadParameter, match="'z' is missing"):
            table.append_columns({name: GOOD[name] for name in ("id", "x", "y")})
        assert table.status().rows == 0


def test_a_key_that_is_there_refuses_all_of_its_columns(engine: Engine) -> None:
    with engine("night", SCHEMA, key="id") as table:
        table.append([(2, 1, None, None)])
        for ids in ([1, 2], [5, 5]):
            with pytest.raises(Refused, match="a key is there twice; nothing was written"):
                table.append_columns(GOOD | {"id": ids})
        assert list(table.scan(["id"])) == [(2,)]


# --------------------------------------------------------------------------------------- what is refused, what is told

@pytest.mark.parametrize(("name", "schema", "says"), [
    ("night", "id u32, ID u8", "'id' and 'ID' differ only in case"),
    ("night/1", "id u32", "table name 'night/1'"),
    ("night", "no u32, x u8", "no column 'id'"),
    ("night", "id u32?, x u8", "key 'id' may be NULL"),
    ("night", "id text, x u8", "'id' is a text"),
    ("night", "id f64, x u8", "'id' is a f64"),
])  # fmt: skip
def test_a_table_that_cannot_be_is_refused(engine: Engine, tmp_path: Path, name: str, schema: str, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        engine(name, Schema.of(schema), key="id", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_word_of_sql_is_a_name_like_others(engine: Engine) -> None:
    with engine("order", Schema.of("select u32, from text?"), key="select") as table:
        table.append([(1, "group")])
        assert table.update(1, {"from": "where"})
        assert table.aggregate([Measure("count", "select")], by="from") == [("where", 1)]


def test_every_operation_begins_and_ends_and_says_if_it_went_well(engine: Engine) -> None:
    trace = Trace()
    with engine("night", SCHEMA, key="id", recorder=trace) as table:
        table.append([(1, 1, None, None)])
        with pytest.raises(Refused):
            table.append([(1, 1, None, None)])
        table.get(1)
    told = [(row.kind, row.fields["op"], row.fields.get("name", row.fields.get("ok"))) for row in trace
            if row.kind in ("begin", "end")]  # fmt: skip
    assert told == [("begin", 1, "append"), ("end", 1, True), ("begin", 2, "append"), ("end", 2, False),
                    ("begin", 3, "get"), ("end", 3, True)]  # fmt: skip
