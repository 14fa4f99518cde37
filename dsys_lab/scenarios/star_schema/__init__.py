"""Facts, measures and dimensions at work on Slumber's nights.

`narrow_tables` asks a row store to look like a column store, and counts the pages; `night_star` builds the star of
persons and nights.
"""

from dsys_lab.scenarios.star_schema.narrow_tables import LAYOUTS, pages_by_layout
from dsys_lab.scenarios.star_schema.night_star import moved_nights, night_star

__all__ = ["LAYOUTS", "moved_nights", "night_star", "pages_by_layout"]
