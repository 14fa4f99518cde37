r"""What is a number about, and what may be done with it?

Three layers that one word, "measure", often hides: the *fact row*, an event at a declared grain (one person, one
night); the *stored value* on it (435 minutes); the *aggregate* over many (the average, the median). Whatever tells
facts apart is a *dimension*: a table of members, around the facts like the points of a star. ::

          person (SCD 1, 2)          city, plan, ... by surrogate key
             \
              night: person, day, minutes        grain: one row for each person and day
             /
          day                                         facts -> cuboid (city, band, month) -> cuboid (city) -> total
                                                               states that merge; those that do not are refused

To be read in this order: `dimension` (then and now), `fact_table` (grain, quarantine), `sketches`, `aggregates` (what
merges), `grouping_sets` (several grains in one table), `cube` (answers from answers), `lattice` (which to keep). What
each promises and costs stands at its head.

Left out: disks, several writers, and a language: a question is a call. A fact table here is columns in memory.

Sources: Kimball and Ross, "The Data Warehouse Toolkit", 3rd edition, 2013; Gray et al., "Data cube", 1997.
"""

from dsys_lab.stores.star_schema.aggregates import AGGREGATES, Aggregate, Measured, NotDecomposable
from dsys_lab.stores.star_schema.cube import Cube, Cuboid, drill_across
from dsys_lab.stores.star_schema.dimension import UNKNOWN, Dimension, DimensionStatus, Version
from dsys_lab.stores.star_schema.fact_table import FactStatus, FactTable, Link, Loaded, Quarantined, Stored
from dsys_lab.stores.star_schema.grouping_sets import GroupedRow, prefixes, told_apart
from dsys_lab.stores.star_schema.lattice import Choice, Lattice, groupings
from dsys_lab.stores.star_schema.sketches import HyperLogLog, QuantileSketch

__all__ = [
    "AGGREGATES",
    "UNKNOWN",
    "Aggregate",
    "Choice",
    "Cube",
    "Cuboid",
    "Dimension",
    "DimensionStatus",
    "FactStatus",
    "FactTable",
    "GroupedRow",
    "HyperLogLog",
    "Lattice",
    "Link",
    "Loaded",
    "Measured",
    "NotDecomposable",
    "QuantileSketch",
    "Quarantined",
    "Stored",
    "Version",
    "drill_across",
    "groupings",
    "prefixes",
    "told_apart",
]
