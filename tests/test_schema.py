"""A schema refuses what may not stand in a table, names it, and says what may."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.structures.schema import TEXT_BYTES_MAX, TYPES, WIDTHS, Column, Schema

SLEEP = Schema.of("id u32, hours_sleep f64?, age u8, city text")


@pytest.mark.parametrize(("text", "said"), [
    ("id u32, id u8", "'id' stands twice"),
    ("id u128", "type 'u128' is unknown"),
    ("id", "'id' is not 'name type'"),
    ("2nd u8", "'2nd'"),
    ("", "is not 'name type'"),
])
def test_a_bad_schema_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        Schema.of(text)


@pytest.mark.parametrize(("row", "said"), [
    ((1, 7.5, 40), "3 values for 4 columns"),
    ((None, 7.5, 40, "Oslo"), "'id': NULL"),
    ((-1, 7.5, 40, "Oslo"), "'id': -1 is out of range"),
    ((1, float("nan"), 40, "Oslo"), "'hours_sleep': nan"),
    ((1, float("inf"), 40, "Oslo"), "'hours_sleep': inf"),
    ((1, 10**400, 40, "Oslo"), "'hours_sleep': out of range; an f64 holds up to 1.79"),
    ((1, 7.5, 256, "Oslo"), "'age': 256 is out of range; a u8 holds 0 to 255"),
    ((1, 7.5, True, "Oslo"), "'age': True is a bool"),
    ((1, 7.5, 40.0, "Oslo"), "'age': 40.0 is a float"),
    ((1, 7.5, 40, 3), "'city': 3 is a int"),
    ((1, 7.5, 40, "x" * (TEXT_BYTES_MAX + 1)), "4,001 bytes of text"),
    ((1, 7.5, 40, "\ud800"), "half a character"),
])
def test_a_bad_row_is_refused_with_the_column_and_what_is_allowed(row: tuple[object, ...], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        SLEEP.check(row)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(TYPES), st.booleans()), min_size=1,
                unique_by=lambda column: column[0]))  # fmt: skip
def test_a_schema_as_text_is_the_schema(columns: list[tuple[str, str, bool]]) -> None:
    schema = Schema(tuple(Column(*column) for column in columns))
    assert Schema.of(str(schema)) == schema


def test_all_rows_or_none_and_the_wrong_one_is_named() -> None:
    with pytest.raises(BadParameter, match="row 1: column 'age'"):
        SLEEP.check_all([(1, None, 40, "Oslo"), (2, None, 999, "Oslo")])


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadParameter, match="did you mean hours_sleep"):
        SLEEP.position("hours_sleeps")


@given(st.sampled_from([name for name in WIDTHS if name != "f64"]), st.integers())
def test_an_integer_type_holds_exactly_what_its_bytes_hold(name: str, value: int) -> None:
    fits = True
    try:
        value.to_bytes(WIDTHS[name], "little", signed=name[0] == "i")
    except OverflowError:
        fits = False
    column = Column("n", name)
    if fits:
        assert column.check(value) == value
    else:
        with pytest.raises(BadParameter):
            column.check(value)
