"""A saved trace comes back as it was, or not at all: every damage is named, none is silently a shorter trace."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import Damaged, Misuse
from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
from dsys_lab.trace import KINDS, Header, Trace, load

TEXTS = st.text('aé☃"\\\n\u2028', max_size=6)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2))


def small() -> Trace:
    """Three rows, every type of field."""
    trace = Trace(Header(lab="13", scenario="small", seed=7, params={"rate": 8.5, "who": None}, end_us=3_000_000))
    trace.emit(0, "publish", "phone", "m1", attempt=1)
    trace.emit(20_000, "enqueue", "ünbox", "m1", depth=1)
    trace.emit(20_000, "check", "phone", None, name="x", ok=True, expected=0.5, got=None)
    return trace


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.jsonl"
    small().save(path)
    return path


def same(one: Trace, other: Trace) -> bool:
    return list(one) == list(other) and one.header == other.header and one.digest() == other.digest()


# ------------------------------------------------------------------------------------------ the round trip
@settings(deadline=None)
@given(st.data())
def test_any_trace_comes_back_as_it_was(tmp_path_factory, data):
    trace = Trace(Header(seed=data.draw(st.integers()), params=data.draw(st.dictionaries(TEXTS, JSON, max_size=2))))
    trace.header.poster_us = data.draw(st.none() | st.integers())
    trace.header.follow = data.draw(st.none() | TEXTS)
    for time_us in sorted(data.draw(st.lists(st.integers(0, 2**53), max_size=6))):
        kind = data.draw(st.sampled_from(sorted(KINDS)))
        fields = {name: data.draw(SCALARS) for name in sorted(KINDS[kind].required)}
        trace.emit(time_us, kind, data.draw(TEXTS), data.draw(st.none() | TEXTS), **fields)
    path = tmp_path_factory.mktemp("trace") / "run.jsonl"
    trace.save(path)
    assert same(load(path), trace)


def test_a_run_of_a_lab_comes_back_with_the_header_that_repeats_it(tmp_path):
    run = lab.pipeline(window=4, until_s=5, faults=[{"do": "crash", "target": "decode", "at_s": 2, "lasts_s": 1}])
    run.save(tmp_path / "run.jsonl")
    back = load(tmp_path / "run.jsonl")
    assert back.digest() == run.digest()
    assert back.header.as_dict() == json.loads(json.dumps(run.header.as_dict()))  # a tuple comes back as a list
    assert back.end_us == run.end_us


def test_the_file_is_plain_json_lines_with_a_header_first(saved):
    header, *rows = map(json.loads, saved.read_text(encoding="utf-8").splitlines())
    assert (header["schema"], header["rows"], header["lab"], header["seed"]) == (1, 3, "13", 7)
    assert rows[1] == {
        "seq": 1, "time_us": 20_000, "kind": "enqueue", "place": "ünbox", "message": "m1", "fields": {"depth": 1},
    }  # fmt: skip


def test_duckdb_reads_the_saved_file_itself(saved):
    import duckdb

    rows = f"read_json('{saved}') where seq is not null"
    assert duckdb.sql(f"select seq, kind, place, fields.depth from {rows} order by seq").fetchall() == [
        (0, "publish", "phone", None),
        (1, "enqueue", "ünbox", 1),
        (2, "check", "phone", None),
    ]


# ------------------------------------------------------------------------------------------ saved whole or not at all
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda trace: trace.header.params.update(policy=print), r"the header.*function.*JSON values"),
        (lambda trace: trace.header.params.update(rate=float("inf")), r"the header cannot be saved"),
        (lambda trace: trace.emit(20_000, "gauge", "q", name="x", value=float("nan"), unit="u"), r"row 3 cannot be"),
    ],
    ids=["a function as a parameter", "an endless parameter", "a field that is no number"],
)
def test_what_json_cannot_say_is_refused_and_the_old_file_stays(saved, change, says):
    before = saved.read_bytes()
    trace = small()
    change(trace)
    with pytest.raises(Misuse, match=says):
        trace.save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["run.jsonl"]


# ------------------------------------------------------------------------------------------ every kind of damage
def test_a_file_cut_at_any_byte_is_damaged_and_never_a_shorter_trace(saved):
    whole = saved.read_bytes()
    for length in range(len(whole) - 1):  # without its very last byte, a newline, nothing is missing
        saved.write_bytes(whole[:length])
        with pytest.raises(Damaged, match=r"run\.jsonl, line \d"):
            load(saved)
    saved.write_bytes(whole[:-1])
    assert same(load(saved), small())


def test_any_one_byte_changed_is_damage_or_changes_nothing(saved):
    whole, good = saved.read_bytes(), small()
    for position in range(len(whole)):
        for byte in {0, 0xFF, whole[position] ^ 1, ord("0"), ord('"'), ord(" "), ord("\n")} - {whole[position]}:
            saved.write_bytes(whole[:position] + bytes([byte]) + whole[position + 1 :])
            try:
                back = load(saved)
            except Damaged:
                continue
            assert same(back, good), (position, byte)


def test_a_line_missing_twice_or_moved_is_damage(saved):
    header, *rows = saved.read_bytes().splitlines(keepends=True)
    moved = [header, rows[1], rows[0], rows[2]]
    for wrong in ([header, *rows[1:]], [header, *rows, rows[-1]], moved, [*rows], [header]):
        saved.write_bytes(b"".join(wrong))
        with pytest.raises(Damaged, match=r"line \d+"):
            load(saved)


DAMAGE = {
    "another schema": (0, {"schema": 2}, r"line 1: field 'schema' is 2; this reader knows 1"),
    "a header without its rows": (0, {"rows": ...}, r"line 1: field 'rows' is missing"),
    "fewer rows than promised": (0, {"rows": 4}, r"line 4: 3 rows.*field 'rows' says 4"),
    "a header field renamed": (0, {"seed": ..., "sead": 7}, r"line 1: field 'seed' is missing"),
    "a header field nobody knows": (0, {"colour": "red"}, r"line 1: field 'colour' is not one of schema"),
    "parameters that are a list": (0, {"params": []}, r"line 1: field 'params' is \[\], expected dict"),
    "another seed": (0, {"seed": 8}, r"line 1: field 'seal' does not fit"),
    "another parameter": (0, {"params": {"rate": 9.5, "who": None}}, r"field 'seal'"),
    "a wrong seq": (2, {"seq": 7}, r"line 3 \(row 1\): field 'seq' is 7, expected 1"),
    "a time in words": (2, {"time_us": "20000"}, r"line 3 \(row 1\): field 'time_us' is '20000', expected int"),
    "a time that is yes": (2, {"time_us": True}, r"line 3 \(row 1\): field 'time_us' is True, expected int"),
    "half a microsecond": (2, {"time_us": 0.5}, r"line 3 \(row 1\): field 'time_us' is 0.5"),
    "time that runs back": (3, {"time_us": 3}, r"line 4 \(row 2\).*time_us = 3 runs back"),
    "another time": (3, {"time_us": 30_000}, r"field 'seal'"),
    "a kind from elsewhere": (2, {"kind": "enqueued"}, r"line 3 \(row 1\).*'enqueued'.*did you mean enqueue"),
    "a kind that is a list": (2, {"kind": []}, r"line 3 \(row 1\): field 'kind' is \[\], expected str"),
    "a place that is null": (2, {"place": None}, r"line 3 \(row 1\): field 'place' is None"),
    "a message that is a number": (2, {"message": 1}, r"field 'message' is 1, expected str or NoneType"),
    "fields that are a list": (2, {"fields": [1]}, r"line 3 \(row 1\): field 'fields' is \[1\], expected dict"),
    "a field missing": (2, {"fields": {}}, r"line 3 \(row 1\).*'enqueue' needs the field 'depth'"),
    "a field that nests": (2, {"fields": {"depth": [1]}}, r"line 3 \(row 1\).*field 'depth'.*list"),
    "another depth": (2, {"fields": {"depth": 2}}, r"field 'seal'"),
    "a column missing": (2, {"place": ...}, r"line 3 \(row 1\): field 'place' is missing"),
    "a column too many": (2, {"shard": 1}, r"line 3 \(row 1\): field 'shard' is not one of seq"),
}


@pytest.mark.parametrize(("line", "change", "says"), DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_named_by_line_and_field(saved, line, change, says):
    lines = [json.loads(text) for text in saved.read_text(encoding="utf-8").splitlines()]
    lines[line] = {name: value for name, value in (lines[line] | change).items() if value is not ...}
    saved.write_text("".join(json.dumps(value) + "\n" for value in lines), encoding="utf-8")
    with pytest.raises(Damaged, match=says):
        load(saved)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"not json\n", r"line 3: not JSON"),
        (b"[1, 2]\n", r"line 3: a list where an object should be"),
        (b"\n", r"line 3: not JSON"),
        (b'{"seq": "\xff"}\n', r"line 3: not JSON.*utf-8"),
        (b'{"seq": ' + b"9" * 5000 + b"}\n", r"line 3: not JSON"),
    ],
    ids=["words", "a list", "an empty line", "not UTF-8", "an absurd number"],
)
def test_a_line_that_is_no_row_is_named(saved, line, says):
    lines = saved.read_bytes().splitlines(keepends=True)
    saved.write_bytes(b"".join([*lines[:2], line, *lines[3:]]))
    with pytest.raises(Damaged, match=says):
        load(saved)
