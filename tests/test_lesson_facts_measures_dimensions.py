"""What lab 05 counts on Slumber: pages by layout, and two answers to "in which city?"."""
from __future__ import annotations

import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.facts_measures_dimensions import LAYOUTS, moved_nights, night_star, pages_by_layout
from dsys_lab.scenarios.facts_measures_dimensions.narrow_tables import COLUMN
from dsys_lab.workloads.slumber import Slumber

NIGHTS = 12_000


@pytest.fixture(scope="module")
def pages() -> dict[str, int]:
    return pages_by_layout(SqliteTable, nights=NIGHTS)


def test_a_narrow_table_helps_a_row_store_and_is_no_column(pages: dict[str, int]) -> None:
    wide, star, vertical, index, column = (pages[name] for name in (*LAYOUTS, COLUMN))
    assert wide > 4 * star > 4 * vertical > 12 * column, "each step saves; the last is the longest"
    assert vertical / 2 < index < vertical * 1.5, "an index on the value is a narrow table, too"


def test_the_column_has_the_pages_of_its_law(pages: dict[str, int]) -> None:
    assert pages[COLUMN] == pytest.approx(laws.column_pages(NIGHTS, 2.125), abs=2)


def test_no_nights_are_refused() -> None:
    with pytest.raises(BadParameter, match="nights = 0"):
        pages_by_layout(SqliteTable, nights=0)


def test_the_city_of_then_is_the_one_that_the_world_wrote_and_now_differs_after_moves() -> None:
    nights = 40_000
    star, world = night_star(nights), Slumber(nights=nights)
    night, person = world.read("night"), world.read("person")
    assert star.status().facts == nights
    then = star.read("person.city", "city_then")
    assert then["person.city"] == then["city_then"] == night["city_id"].tolist()
    last, who = int(night["date_key"].max()), night["person_id"]
    now = np.where(person["move_day"] <= last, person["moved_city_id"], person["city_id"])[who]
    assert moved_nights(star) == int((now != night["city_id"]).sum()) > 0
