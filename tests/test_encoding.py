"""A column fits in fewer bytes and comes back bit for bit, whatever stood in it; sums hold without unpacking."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.structures.encoding import (
    CODECS,
    Profile,
    bit_slices,
    choose,
    decide,
    mask_bytes,
    pack_mask,
    profile,
    sizes,
    unpack_mask,
)
from dsys_lab.structures.encoding.codec import DTYPES, WHOLE
from dsys_lab.structures.encoding.dictionary import labels_and_codes

LIMITS = {name: np.iinfo(DTYPES[name]) for name in WHOLE}


@st.composite
def columns(draw: st.DrawFn, types: tuple[str, ...] = tuple(DTYPES)) -> tuple[str, np.ndarray]:
    """A type and values of it: runs, few different ones, near ones, climbing ones, or anything at all."""
    type_ = draw(st.sampled_from(types))
    if type_ == "text":
        one = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    elif type_ == "f64":
        one = st.floats(allow_nan=False, allow_infinity=False)
    else:
        one = st.integers(int(LIMITS[type_].min), int(LIMITS[type_].max))
    few = draw(st.lists(one, min_size=1, max_size=4))
    drawn = draw(st.lists(st.one_of(st.sampled_from(few), one), min_size=1, max_size=200))
    repeated = draw(st.sampled_from([1, 1, 1, 7]))
    values = [value for value in drawn for _ in range(repeated)]
    if draw(st.booleans()):
        values.sort()
    array = np.empty(len(values), DTYPES[type_])
    array[:] = values
    return type_, array


def stack(*chunks: bytes) -> np.ndarray:
    """Return chunks of one size as a stack."""
    return np.frombuffer(b"".join(chunks), np.uint8).reshape(len(chunks), -1)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two columns hold the same bits."""
    if one.dtype == object:
        return one.tolist() == other.tolist()
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


# ------------------------------------------------------------------------------------------------------ every codec
@pytest.mark.parametrize("name", CODECS)
@given(column=columns())
def test_values_come_back_bit_for_bit(name: str, column: tuple[str, np.ndarray]) -> None:
    type_, values = column
    codec = CODECS[name]
    if type_ in codec.types:
        data = codec.encode(values)
        assert same(codec.decode(stack(data), type_, len(values))[0], values)


@pytest.mark.parametrize("name", CODECS)
@given(column=columns(tuple(sorted(WHOLE))))
def test_the_sum_is_exact_without_unpacking(name: str, column: tuple[str, np.ndarray]) -> None:
    type_, values = column
    codec = CODECS[name]
    largest = max(map(abs, values.tolist()))
    assert codec.total(stack(codec.encode(values)), type_, len(values), largest) == sum(values.tolist())


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("type_", ["u8", "u16", "i32", "u64"])
def test_a_stack_is_read_as_its_chunks(name: str, type_: str) -> None:
    codec, first = CODECS[name], np.array([3, 3, 9, 4] * 40, DTYPES[type_])
    second = first[::-1].copy()
    chunks = [codec.encode(first), codec.encode(second), codec.encode(first)]
    if len({len(chunk) for chunk in chunks}) == 1:
        assert codec.decode(stack(*chunks), type_, 160).tolist() == [first.tolist(), second.tolist(), first.tolist()]
        assert codec.total(stack(*chunks), type_, 160, 9) == 3 * int(first.sum())


@pytest.mark.parametrize("name", ["plain", "run_length", "dictionary", "zlib"])
def test_minus_zero_stays(name: str) -> None:
    codec, column = CODECS[name], np.array([-0.0, 0.0, 5e-324])
    assert codec.decode(stack(codec.encode(column)), "f64", 3)[0].tobytes() == column.tobytes()


# ------------------------------------------------------------------------------------------------------ bytes, by law
def test_each_codec_needs_the_bytes_of_its_formula() -> None:
    rows = 8_192
    minutes = (120 + np.arange(rows) * 7919 % 601).astype("<u2")
    assert len(CODECS["plain"].encode(minutes)) == 2 * rows
    assert len(CODECS["frame"].encode(minutes)) == 8 + rows * 10 // 8
    by_city = np.repeat(np.arange(32, dtype="<u1"), rows // 32)
    assert len(CODECS["run_length"].encode(by_city)) == 32 * (1 + 4)
    wide = (np.arange(rows, dtype="<u8") % 200) * 10**15
    assert len(CODECS["dictionary"].encode(wide)) == 8 + rows + 200 * 8
    assert len(CODECS["delta"].encode(np.arange(10**12, 10**12 + rows, dtype="<u8"))) == 16
    far = np.where(np.arange(rows) % 1_024 == 0, 40_000, 100).astype("<u4")
    assert len(CODECS["mostly8"].encode(far)) == rows + 8 * (4 + 4)
    assert len(CODECS["mostly16"].encode(far)) == 2 * rows + 8 * (4 + 4)


@pytest.mark.parametrize(("bits", "low", "high"), [(8, -128, 127), (16, -32_768, 32_767), (32, -(2**31), 2**31 - 1)])
def test_mostly_holds_exactly_what_redshift_says_and_keeps_the_rest_raw(bits: int, low: int, high: int) -> None:
    codec, fitting = CODECS[f"mostly{bits}"], np.array([low, 0, high, -1], "<i8")
    beyond = np.array([low - 1, 0, high + 1, -1], "<i8")
    assert len(codec.encode(fitting)) == 4 * bits // 8
    assert len(codec.encode(beyond)) == 4 * bits // 8 + 2 * (4 + 8)
    assert codec.decode(stack(codec.encode(beyond)), "i64", 4)[0].tolist() == beyond.tolist()
    assert codec.types == {type_ for type_ in WHOLE if 8 * np.dtype(DTYPES[type_]).itemsize > bits}


def test_texts_that_share_words_are_smallest_by_zlib_which_is_never_chosen_unasked() -> None:
    notes = np.array([f"slept well, woke {n % 7} times, {n} steps" for n in range(500)], object)
    sizes_by = {name: len(CODECS[name].encode(notes)) for name in ("plain", "dictionary", "zlib")}
    assert 3 * sizes_by["zlib"] < min(sizes_by["plain"], sizes_by["dictionary"])
    assert choose(notes, "text") == "plain"


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 16, 17, 33, 63, 64])
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 1_000])
def test_bit_planes_hold_any_number_of_bits_and_rows(bits: int, rows: int) -> None:
    largest = (1 << bits) - 1
    values = np.array([largest, *((index * 0x9E3779B97F4A7C15) & largest for index in range(rows - 1))], "<u8")
    planes = stack(bit_slices.pack(values))
    assert planes.size == bits * bit_slices.plane_bytes(rows)
    assert bit_slices.unpack(planes, rows)[0].tolist() == values.tolist()
    assert bit_slices.total(planes, rows) == sum(values.tolist())


@given(st.lists(st.booleans(), max_size=100))
def test_a_mask_is_one_bit_a_row(nulls: list[bool]) -> None:
    data = pack_mask(np.array(nulls, bool))
    assert len(data) == mask_bytes(len(nulls))
    assert unpack_mask(stack(data), len(nulls))[0].tolist() == nulls


def test_groups_are_formed_by_code() -> None:
    cities = np.array(["Oslo", "Lima", "Oslo", ""], object)
    labels, codes = labels_and_codes(stack(CODECS["dictionary"].encode(cities))[0], "text", 4)
    assert labels.tolist() == ["", "Lima", "Oslo"]
    assert codes.tolist() == [2, 1, 2, 0]


# ------------------------------------------------------------------------------------------------------ the choice
ROWS = np.arange(8_192)
SCRAMBLED = (ROWS.astype("<u8") + np.uint64(1 << 32)) ** np.uint64(7)


@pytest.mark.parametrize(("values", "type_", "best"), [
    (ROWS + 10**9, "u64", "delta"),
    (120 + ROWS * 7919 % 601, "u16", "frame"),
    (ROWS // 1_000, "u8", "run_length"),
    (ROWS * 7919 % 200 * 10**15, "u64", "dictionary"),
    (SCRAMBLED, "u64", "plain"),
    (np.sqrt(ROWS * 7919 % 8_191), "f64", "plain"),
])  # fmt: skip
def test_the_likeness_decides(values: np.ndarray, type_: str, best: str) -> None:
    assert choose(values.astype(DTYPES[type_]), type_) == best


def test_texts_that_repeat_go_to_a_dictionary() -> None:
    cities = np.array(["Oslo", "Lima", "Quito", "Tokyo"] * 500, object)
    assert choose(cities, "text") == "dictionary"
    assert choose(np.array([f"note {index}" for index in range(2_000)], object), "text") == "plain"


def test_a_choice_that_saves_little_is_not_made() -> None:
    assert decide(Profile(1_000, 1, 990, 200, bits=8, step_bits=9), "u8") == "plain"


@given(columns())
def test_the_choice_is_the_smallest_up_to_what_is_worth_it(column: tuple[str, np.ndarray]) -> None:
    type_, values = column
    chosen = choose(values, type_)
    offered = {name: size for name, size in sizes(profile(values)).items() if type_ in CODECS[name].types}
    assert type_ in CODECS[chosen].types
    assert offered[chosen] <= offered["plain"]
    assert chosen == "plain" or offered[chosen] == min(offered.values())
