"""The laws: the numbers that a run is held against.

Each law is a pure function: parameters with their units in, one number out, with its source and the domain in which it
holds. Rates are per second, times are seconds, shares are between 0 and 1. A law outside its domain raises
`BadParameter` rather than give a number that means nothing.

A simulated mean wanders around its law. How far is a law too (`relative_standard_error`): tests allow three standard
errors and never a fixed percentage, and charts draw the band.
"""

from dsys_lab.laws.columns import (
    PAGE_ROOM_BYTES,
    calls_by_vector,
    column_pages,
    dictionary_bytes,
    merge_pages_per_row,
    packed_bytes,
    run_length_bytes,
)
from dsys_lab.laws.loans import (
    deliveries_any,
    deliveries_newest,
    empty_receives_a_day,
    exponential_within,
    falsely_dead,
    poison_load,
)
from dsys_lab.laws.log_structured import (
    bloom_best_hashes,
    bloom_false_positives,
    leveled_runs,
    leveled_write_amplification,
    leveled_write_amplification_most,
    tiered_runs,
    tiered_write_amplification,
)
from dsys_lab.laws.overload import (
    AIMD_UTILISATION,
    attempts_per_call,
    in_time_most,
    token_bucket_most,
)
from dsys_lab.laws.partitions import (
    accepted_units,
    burst_lasts_s,
    counted_too_often,
    index_backlog,
    moved_by_modulo,
    moved_by_ring,
    moved_by_split,
    quorums_overlap,
    stale_after_write,
    stale_at_follower,
    suffixes_needed,
)
from dsys_lab.laws.queues import (
    backlog,
    drain_s,
    erlang_c,
    little,
    mg1_sojourn_s,
    mm1_sojourn_quantile_s,
    mm1_sojourn_s,
    mm1k_blocking,
    mmc_sojourn_s,
    outage_drain_s,
    relative_standard_error,
    retention_lasts_s,
)
from dsys_lab.laws.rows import (
    pages_hit,
    pages_hit_standard_error,
    row_pages,
    rows_on_page,
    tree_height,
)

__all__ = [
    "AIMD_UTILISATION",
    "PAGE_ROOM_BYTES",
    "accepted_units",
    "attempts_per_call",
    "backlog",
    "bloom_best_hashes",
    "bloom_false_positives",
    "burst_lasts_s",
    "calls_by_vector",
    "column_pages",
    "counted_too_often",
    "deliveries_any",
    "deliveries_newest",
    "dictionary_bytes",
    "drain_s",
    "empty_receives_a_day",
    "erlang_c",
    "exponential_within",
    "falsely_dead",
    "in_time_most",
    "index_backlog",
    "leveled_runs",
    "leveled_write_amplification",
    "leveled_write_amplification_most",
    "little",
    "merge_pages_per_row",
    "mg1_sojourn_s",
    "mm1_sojourn_quantile_s",
    "mm1_sojourn_s",
    "mm1k_blocking",
    "mmc_sojourn_s",
    "moved_by_modulo",
    "moved_by_ring",
    "moved_by_split",
    "outage_drain_s",
    "packed_bytes",
    "pages_hit",
    "pages_hit_standard_error",
    "poison_load",
    "quorums_overlap",
    "relative_standard_error",
    "retention_lasts_s",
    "row_pages",
    "rows_on_page",
    "run_length_bytes",
    "stale_after_write",
    "stale_at_follower",
    "suffixes_needed",
    "tiered_runs",
    "tiered_write_amplification",
    "token_bucket_most",
    "tree_height",
]
