"""A contract's versions: what is written is read, across versions as far as it can be, never wrongly unsaid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dsys_lab.dataflows.service import compatibility
from dsys_lab.dataflows.service.compatibility import NIGHT, classified, compared, edit, matrix
from dsys_lab.dataflows.service.versions import CannotRead, Field, Version
from dsys_lab.dataflows.service.wire import FORMS, decode, encode
from dsys_lab.errors import BadParameter, Damaged

WIDE = Version.of("wide", "1 a u8, 2 b i64, 9 c f64 = 1.5, 300 d text = none, 5 e u64 = 0")
RECORDS = some.fixed_dictionaries(
    {"a": some.integers(0, 255), "b": some.integers(-(2**63), 2**63 - 1)},
    optional={"c": some.floats(allow_nan=False, allow_infinity=False), "e": some.integers(0, 2**64 - 1),
              "d": some.text(some.characters(exclude_categories=["Cs"]), max_size=9)},
)  # fmt: skip
MISSING = "none"  # neither side reads the other


@pytest.mark.parametrize("form", FORMS)
@given(record=RECORDS)
@settings(max_examples=40, deadline=None)
def test_a_reader_of_the_same_version_reads_what_was_written(form: str, record: dict) -> None:
    read = decode(WIDE, encode(WIDE, record, form=form), form=form)
    assert read == {"c": 1.5, "d": "none", "e": 0, **record}


@pytest.mark.parametrize("form", FORMS)
@given(data=some.binary(max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_read_or_refused_and_nothing_else(form: str, data: bytes) -> None:
    try:
        read = decode(WIDE, data, form=form)
    except (CannotRead, Damaged):
        return
    assert set(read) == set("abcde")


def test_the_bytes_are_those_of_protocol_buffers() -> None:
    # From the documentation's rules: tag 1<<3|0, zigzag(150) = 300 = ac 02; tag 2<<3|2, length 7.
    version = Version.of("p", "1 a i32, 2 b text")
    assert encode(version, {"a": 150, "b": "testing"}, form="number").hex() == "08ac02120774657374696e67"
    assert encode(version, {"a": 150, "b": "é"}) == '{"a":150,"b":"é"}'.encode()


def test_what_is_cut_off_is_damaged_by_number_and_by_name() -> None:
    for form in FORMS:
        data = encode(NIGHT, {"person": 300, "hours_sleep": 7.25, "city": "Oslo"}, form=form)
        with pytest.raises(Damaged):
            decode(NIGHT, data[:-1], form=form)


@pytest.mark.parametrize(("change", "by_name", "by_number"), [
    ("add an optional field", "both", "both"),
    ("add a required field", "forward", "forward"),
    ("remove a required field", "backward", "backward"),
    ("rename a field", MISSING, "both"),
    ("change a type", MISSING, MISSING),
    ("widen a type", "backward", "backward"),
    ("give a number out again", "both", MISSING),
    ("change a default", MISSING, MISSING),
])  # fmt: skip
def test_the_eight_edits_are_classified_by_reading_bytes(change: str, by_name: str, by_number: str) -> None:
    assert (classified()[change], classified(form="number")[change]) == (by_name, by_number)


def test_a_number_given_out_again_is_misread_without_a_word() -> None:
    found = compared(NIGHT, edit("give a number out again"), form="number")
    assert found.backward.silent
    assert found.forward.silent
    assert "'heart_rate' is -3 to the reader; the writer meant 0" in found.backward.why


def test_a_changed_default_is_misread_without_a_word() -> None:
    assert all(compared(NIGHT, edit("change a default"), form=form).backward.silent for form in FORMS)


def test_the_matrix_has_each_pair_and_each_version_reads_itself() -> None:
    three = [NIGHT, *(Version(f"v{number}", edit(name).fields)
                      for number, name in ((2, "add an optional field"), (3, "add a required field")))]  # fmt: skip
    read = matrix(three)
    assert len(read) == 9
    assert all(read[one.name, one.name].passes for one in three)
    assert [pair for pair, reading in read.items() if not reading.passes] == [("v1", "v3"), ("v2", "v3")]
    assert "'oxygen'" in read["v1", "v3"].why


def test_the_verdict_comes_from_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "encode", lambda *said, form: encode(*said)[:-1] + b',"city":1}')
    assert compared(NIGHT, NIGHT).verdict == "none"


def test_what_cannot_be_read_says_field_version_and_what_to_do() -> None:
    old, new = encode(NIGHT, {"person": 17, "hours_sleep": 7.25}), edit("rename a field")
    with pytest.raises(CannotRead, match=r"v2 stops at field 'sleep_hours': it is required and not there; let") as no:
        decode(new, old)
    assert (no.value.version, no.value.field) == ("v2", "sleep_hours")
    with pytest.raises(CannotRead, match=r"'hours_sleep': number 2 holds 7\.25, which is no text; give new types new"):
        decode(edit("change a type"), encode(NIGHT, {"person": 17, "hours_sleep": 7.25}, form="number"), form="number")


@pytest.mark.parametrize(("act", "says"), [
    (lambda: Field(0, "a", "u8"), "number 0; give 1 to"),
    (lambda: Field(1, "1a", "u8"), "column name '1a'"),
    (lambda: Field(1, "a", "decimal"), "type 'decimal' is unknown"),
    (lambda: Field(1, "a", "u8", 256), "out of range"),
    (lambda: Version("v", ()), "give a name, and a field at least"),
    (lambda: Version.of("v", "1 a u8, 1 b u8"), "number 1 stands twice"),
    (lambda: Version.of("v", "1 a u8, 2 a u8"), "name 'a' stands twice"),
    (lambda: Version.of("v", "a u8"), "'a u8' is no field; write"),
    (lambda: Version.of("v", "1 a u8 = many"), "default 'many': give a u8"),
    (lambda: encode(NIGHT, {"person": 1}), "field 'hours_sleep' is required; give a f64"),
    (lambda: encode(NIGHT, {"person": -1, "hours_sleep": 1.0}), "-1 is out of range"),
    (lambda: encode(NIGHT, {"person": 1, "hours_sleep": 1.0, "moon": 1}), "no field 'moon': give one of person"),
    (lambda: encode(NIGHT, {"person": 1, "hours_sleep": float("nan")}), "give a finite number"),
    (lambda: encode(NIGHT, {}, form="xml"), "form = 'xml': give one of name, number"),
    (lambda: edit("add a field"), "edit 'add a field': give one of"),
])  # fmt: skip
def test_bad_input_is_told_what_was_given_and_what_to_do(act, says: str) -> None:
    with pytest.raises(BadParameter, match=says.replace("(", r"\(")):
        act()
