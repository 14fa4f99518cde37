"""Slumber, the sleep survey that grew into a company: a made-up world whose every answer is known.

It began with a table of four columns, `ID | HoursSleep | Age | City`, and every new wish broke the store before it.
Here is all of its data: a row is a pure function of (seed, row number), so a thousand nights on a laptop and 10^8 on a
server begin alike, any part can be had without the rest, and nothing needs to be downloaded.

Start with `world.Slumber`. In reading order: `luck` (a hash instead of a sequence), `size_law` (one number sets every
size), `faults` (what goes wrong on the way), `records` (rows as bytes, and digests), `cities`, `people`, `nights`,
`shop`, `delivery` (the order of arrival), `documents` (raw JSON that drifts), `profiles`
(documents of documents), `truths` (what was planted), `world`.
"""

from dsys_lab.workloads.slumber.cities import CITIES
from dsys_lab.workloads.slumber.faults import Faults
from dsys_lab.workloads.slumber.luck import Columns
from dsys_lab.workloads.slumber.nights import NIGHT, minutes
from dsys_lab.workloads.slumber.people import rings, ties
from dsys_lab.workloads.slumber.records import combined, digest, records
from dsys_lab.workloads.slumber.truths import TRUTHS
from dsys_lab.workloads.slumber.world import TABLES, Slumber

__all__ = [
    "CITIES",
    "NIGHT",
    "TABLES",
    "TRUTHS",
    "Columns",
    "Faults",
    "Slumber",
    "combined",
    "digest",
    "minutes",
    "records",
    "rings",
    "ties",
]
