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
from dsys_lab.laws.quorums import (
    answered_within,
    break_even_utilisation,
    least_quorum,
    order_statistic_share,
    quorum_is_safe,
    quorum_missing,
    quorum_quantile_s,
    repair_s,
    zone_sizes,
)
from dsys_lab.laws.recovery import images_after_checkpoint, log_ship_bytes, page_ship_bytes, replay_s
from dsys_lab.laws.rows import (
    pages_hit,
    pages_hit_standard_error,
    row_pages,
    rows_on_page,
    tree_height,
)
from dsys_lab.laws.transactions import ALLOWED, attempts_first_wins, bloated_pages, is_allowed

__all__ = [
    "AIMD_UTILISATION",
    "ALLOWED",
    "PAGE_ROOM_BYTES",
    "answered_within",
    "attempts_first_wins",
    "attempts_per_call",
    "backlog",
    "bloated_pages",
    "bloom_best_hashes",
    "bloom_false_positives",
    "break_even_utilisation",
    "calls_by_vector",
    "column_pages",
    "deliveries_any",
    "deliveries_newest",
    "dictionary_bytes",
    "drain_s",
    "empty_receives_a_day",
    "erlang_c",
    "exponential_within",
    "falsely_dead",
    "images_after_checkpoint",
    "in_time_most",
    "is_allowed",
    "least_quorum",
    "leveled_runs",
    "leveled_write_amplification",
    "leveled_write_amplification_most",
    "little",
    "log_ship_bytes",
    "merge_pages_per_row",
    "mg1_sojourn_s",
    "mm1_sojourn_quantile_s",
    "mm1_sojourn_s",
    "mm1k_blocking",
    "mmc_sojourn_s",
    "order_statistic_share",
    "outage_drain_s",
    "packed_bytes",
    "page_ship_bytes",
    "pages_hit",
    "pages_hit_standard_error",
    "poison_load",
    "quorum_is_safe",
    "quorum_missing",
    "quorum_quantile_s",
    "relative_standard_error",
    "repair_s",
    "replay_s",
    "retention_lasts_s",
    "row_pages",
    "rows_on_page",
    "run_length_bytes",
    "tiered_runs",
    "tiered_write_amplification",
    "token_bucket_most",
    "tree_height",
    "zone_sizes",
]
