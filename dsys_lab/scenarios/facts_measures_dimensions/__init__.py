"""Facts, measures and dimensions at work on Slumber's nights.

In reading order: `pouring` and `fanning` (the runs to be played), `night_star` (the star of persons and nights),
`counts` (what is counted in many runs), `narrow_tables` (a row store that is to look like a column store),
`flights_star` (real data, with real orphans).
"""

from dsys_lab.scenarios.facts_measures_dimensions.fanning import fan_trap
from dsys_lab.scenarios.facts_measures_dimensions.flights_star import flights_star
from dsys_lab.scenarios.facts_measures_dimensions.narrow_tables import LAYOUTS, pages_by_layout
from dsys_lab.scenarios.facts_measures_dimensions.night_star import moved_nights, night_star
from dsys_lab.scenarios.facts_measures_dimensions.pouring import pouring

__all__ = ["LAYOUTS", "fan_trap", "flights_star", "moved_nights", "night_star", "pages_by_layout", "pouring"]
