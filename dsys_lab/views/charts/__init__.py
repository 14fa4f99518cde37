"""Charts: what was counted, beside the law and the reader's prediction.

Each function takes traces or plain numbers and returns a `Chart`, a picture with its text twin. The marks mean the same
in every chart: what was counted is solid, with a bar for three standard errors; a law is dashed and dark; a prediction
is orange; what is lost is vermillion and hatched. A view knows no law, so a law comes in as the function or the number
that it is.

In reading order: `picture` (what a chart is), `curves`, `against_law`, `comparisons` (the charts), `graph_wave` and
`index_strips` (people and their ties, statements in order), `zone_maps` and `slice_lanes` (blocks that may be skipped,
slices that wait for each other), `sieves` (a card that passes patterns), `crate_strip` (what a buffer was sealed into),
`film_strip` (fragments while one films), `cube` (cells that are poured, and all cuboids), `sawn_bars` and `two_clocks`
(stretches that a cut goes through, news above the time at which it happened), `event_plane` (windows and a watermark),
`satellites` and `digest_tree` (copies that follow a table, and where they differ from it), `conveyor` (a belt with a
wall between writes and reads), `verdict_grid` (who gets on with whom), `old_news` (what a stock has, and what is
believed of it), `fact_tape` (facts, and what they come to), `sliding` (a chart that follows sliders). The numbers
themselves are counted in `dsys_lab.trace.measures`.

Sources: Tufte, *The Visual Display of Quantitative Information*; the colours in `dsys_lab.views.theme`.
"""

from dsys_lab.views.charts.against_law import against_law
from dsys_lab.views.charts.comparisons import bars, outcomes, predicted_counted_law, wait_histogram
from dsys_lab.views.charts.conveyor import conveyor
from dsys_lab.views.charts.crate_strip import crate_strip
from dsys_lab.views.charts.cube import lattice, poured_cube
from dsys_lab.views.charts.curves import depth_over_time, hockey_stick, lines, rate_over_time
from dsys_lab.views.charts.digest_tree import digest_tree
from dsys_lab.views.charts.event_plane import event_plane
from dsys_lab.views.charts.fact_tape import fact_tape
from dsys_lab.views.charts.film_strip import film_strip
from dsys_lab.views.charts.graph_wave import graph_wave
from dsys_lab.views.charts.index_strips import index_strips
from dsys_lab.views.charts.old_news import old_news
from dsys_lab.views.charts.picture import Chart, is_logarithmic, number
from dsys_lab.views.charts.satellites import satellites
from dsys_lab.views.charts.sawn_bars import sawn_bars
from dsys_lab.views.charts.shelf import shelf_and_trees
from dsys_lab.views.charts.sieves import picked_strips, sieves
from dsys_lab.views.charts.slice_lanes import slice_lanes
from dsys_lab.views.charts.sliding import Sliding, sliding
from dsys_lab.views.charts.two_clocks import two_clocks
from dsys_lab.views.charts.verdict_grid import verdict_grid
from dsys_lab.views.charts.version_chains import version_chains
from dsys_lab.views.charts.zone_maps import zone_maps
from dsys_lab.views.mode import view_mode

__all__ = [
    "Chart",
    "Sliding",
    "against_law",
    "bars",
    "conveyor",
    "crate_strip",
    "depth_over_time",
    "digest_tree",
    "event_plane",
    "fact_tape",
    "film_strip",
    "graph_wave",
    "hockey_stick",
    "index_strips",
    "is_logarithmic",
    "lattice",
    "lines",
    "number",
    "old_news",
    "outcomes",
    "picked_strips",
    "poured_cube",
    "predicted_counted_law",
    "rate_over_time",
    "satellites",
    "sawn_bars",
    "shelf_and_trees",
    "sieves",
    "slice_lanes",
    "sliding",
    "two_clocks",
    "verdict_grid",
    "version_chains",
    "view_mode",
    "wait_histogram",
    "zone_maps",
]
