"""No figure about a real service without its unit, its source and the day on which it was read."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import dsys_lab
from dsys_lab.errors import BadParameter
from dsys_lab.facts import Fact, fact

TABLE = tomllib.loads((Path(dsys_lab.__file__).parent / "facts.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TABLE)
def test_a_fact_says_what_it_is_with_a_value_a_unit_a_source_and_a_date(name):
    assert set(TABLE[name]) == {field.name for field in fields(Fact)}
    one = fact(name)
    assert one.what
    assert "_" not in one.what
    assert isinstance(one.value, int | float)
    assert one.unit
    assert len(one.source) > 10
    assert type(one.date) is datetime.date
    assert name == name.lower()


def test_no_two_facts_have_one_name():
    assert len({entry["what"] for entry in TABLE.values()}) == len(TABLE)


def test_a_fact_shows_its_date_with_it():
    text = str(fact("jetstream_max_ack_pending"))
    assert text.startswith("1,000 messages")
    assert "read 20" in text


def test_an_unknown_fact_is_refused_with_those_that_there_are():
    with pytest.raises(BadParameter, match=r"'sqs_retention'.*sqs_retention_default.*facts\.toml"):
        fact("sqs_retention")
