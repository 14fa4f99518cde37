"""The laws: the numbers that a run is held against.

Each law is a pure function: parameters with their units in, one number out, with its source and the domain in which it
holds. Rates are per second, times are seconds, shares are between 0 and 1. A law outside its domain raises
`BadParameter` rather than give a number that means nothing.

A simulated mean wanders around its law. How far is a law too (`relative_standard_error`): tests allow three standard
errors and never a fixed percentage, and charts draw the band.
"""

from dsys_lab.laws.changes import inverted_share, missed_by_id_share, unseen_share
from dsys_lab.laws.columns import (
    PAGE_ROOM_BYTES,
    calls_by_vector,
    column_pages,
    dictionary_bytes,
    merge_pages_per_row,
    packed_bytes,
    run_length_bytes,
)
from dsys_lab.laws.cubes import (
    cells_filled,
    cube_cells_most,
    cuboids,
    fan_trap,
    greedy_share_least,
    hyperloglog_error,
)
from dsys_lab.laws.delivery import (
    crate_bytes,
    crate_gap_s,
    crates_a_day,
    expired_s,
    in_another_hour_share,
    puts_a_record,
    set_aside_share,
)
from dsys_lab.laws.derived import (
    break_even_reads,
    extremes_rows_read,
    fan_out_s,
    held_s,
    herd_went,
    lru_hit_share,
    overtaken_share,
    pull_touches,
    push_touches,
    random_hit_share,
    stale_after_lost_words,
    stale_hit_share,
    stale_own_read,
    ttl_hit_share,
)
from dsys_lab.laws.documents import (
    cards_of_insert,
    edits_left,
    grown_bytes,
    same_element_share,
    some_elements_share,
)
from dsys_lab.laws.event_buses import events_in_loop, given_up_share, patterns_asked
from dsys_lab.laws.event_sourcing import conflict_share, folded_since_checkpoint
from dsys_lab.laws.graphs import (
    edges_looked_at,
    growth,
    keys_of_prefix,
    mean_degree,
    mean_neighbour_degree,
    rows_of_two_steps,
    walks_by_products,
)
from dsys_lab.laws.isolation import break_even_bytes, pooled_sojourn_s, split_sojourn_s
from dsys_lab.laws.joins import JOIN_WAYS, join_rows_looked_at
from dsys_lab.laws.lakes import (
    break_even_queries,
    log_gets,
    lost_values,
    race_tries,
    read_share,
    small_files_s,
    swept_share,
)
from dsys_lab.laws.loans import (
    deliveries_any,
    deliveries_newest,
    empty_receives_a_day,
    exponential_within,
    falsely_dead,
    poison_load,
)
from dsys_lab.laws.log_streams import (
    follows_within_s,
    left_out_by_a_slow_clock,
    missed_after_crash,
    pollers_most,
    polling_delay_s,
    polls_refused,
    records_a_sync,
    repeated_after_crash,
    shards_needed,
    takeover_most_s,
    usable_share,
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
from dsys_lab.laws.missed import (
    compared_later_than,
    hashes_compared_most,
    known_by_comparison_s,
    known_by_heartbeat_s,
    known_by_numbers_s,
    known_later_than,
    lost_at_failover,
    lost_to_a_jump,
    lost_unread,
    missed_while_down,
)
from dsys_lab.laws.objects import (
    expected_losses,
    least_part_bytes,
    object_lost,
    pieces_sent_at_once,
    pieces_sent_in_parts,
    ranges_s,
    rename_requests,
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
    dm1_sojourn_s,
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
from dsys_lab.laws.recovery import (
    images_after_checkpoint,
    log_ship_bytes,
    page_ship_bytes,
    records_to_replay,
    replay_s,
)
from dsys_lab.laws.rows import (
    pages_hit,
    pages_hit_standard_error,
    row_pages,
    rows_on_page,
    tree_height,
)
from dsys_lab.laws.streams import (
    batch_delay_s,
    cut_share,
    distinct_again_factor,
    joined_rows_kept,
    least_period_s,
    machine_s_per_record,
    on_time_share,
    two_phase_delay_s,
    watermark_behind_s,
    windows_an_event,
    windows_an_event_cumulating,
    windows_kept_most,
)
from dsys_lab.laws.topics import copies_made, effects_of_a_call, lost_in_outage
from dsys_lab.laws.transactions import ALLOWED, attempts_first_wins, bloated_pages, is_allowed
from dsys_lab.laws.travel import (
    calls_failed,
    chain_availability,
    group_throughput,
    hot_key_throughput,
    messages_missing,
    readers_broken,
    waiting_after_outage,
)
from dsys_lab.laws.verification import (
    apologies_due,
    best_reserve,
    found_after_s,
    leaves_share,
    poisson_at_most,
    price_of_promising,
    promised_unseen,
    reserve_cost,
    reserve_unsold,
)
from dsys_lab.laws.video import (
    catch_up_s,
    device_buffer_s,
    film_lost_share,
    frames_to_decode,
    live_delay_s,
    video_bytes_a_second,
)
from dsys_lab.laws.warehouse import (
    broadcast_bytes,
    least_table_bytes,
    load_rounds,
    redistributed_bytes,
    straggler_ratio,
    touched_share,
    touched_share_unsorted,
    unsorted_share,
)
from dsys_lab.laws.web_hooks import (
    answered_and_lost,
    pushes_missed,
    refused_for_a_clock,
    remembered_least_s,
    wasted_polls,
)

__all__ = [
    "AIMD_UTILISATION", "ALLOWED", "JOIN_WAYS", "PAGE_ROOM_BYTES", "accepted_units", "answered_and_lost",
    "answered_within",
    "apologies_due", "attempts_first_wins", "attempts_per_call", "backlog", "batch_delay_s", "best_reserve",
    "bloated_pages", "bloom_best_hashes", "bloom_false_positives", "break_even_bytes", "break_even_queries",
    "break_even_reads", "break_even_utilisation", "broadcast_bytes", "burst_lasts_s", "calls_by_vector",
    "calls_failed", "cards_of_insert", "catch_up_s", "cells_filled", "chain_availability", "column_pages",
    "compared_later_than", "conflict_share", "copies_made", "counted_too_often", "crate_bytes", "crate_gap_s",
    "crates_a_day", "cube_cells_most", "cuboids", "cut_share", "deliveries_any", "deliveries_newest",
    "device_buffer_s", "dictionary_bytes", "distinct_again_factor", "dm1_sojourn_s", "drain_s", "edges_looked_at",
    "edits_left", "effects_of_a_call", "empty_receives_a_day", "erlang_c", "events_in_loop", "expected_losses",
    "expired_s", "exponential_within", "extremes_rows_read", "falsely_dead", "fan_out_s", "fan_trap", "film_lost_share",
    "folded_since_checkpoint", "follows_within_s", "found_after_s", "frames_to_decode", "given_up_share",
    "greedy_share_least", "group_throughput", "grown_bytes", "growth", "hashes_compared_most", "held_s", "herd_went",
    "hot_key_throughput", "hyperloglog_error", "images_after_checkpoint", "in_another_hour_share", "in_time_most",
    "index_backlog", "inverted_share", "is_allowed", "join_rows_looked_at",
    "joined_rows_kept", "keys_of_prefix", "known_by_comparison_s",
    "known_by_heartbeat_s", "known_by_numbers_s", "known_later_than", "least_part_bytes", "least_period_s",
    "least_quorum", "least_table_bytes", "leaves_share", "left_out_by_a_slow_clock", "leveled_runs",
    "leveled_write_amplification", "leveled_write_amplification_most", "little", "live_delay_s", "load_rounds",
    "log_gets", "log_ship_bytes", "lost_at_failover", "lost_in_outage", "lost_to_a_jump", "lost_unread",
    "lost_values", "lru_hit_share", "machine_s_per_record", "mean_degree", "mean_neighbour_degree",
    "merge_pages_per_row", "messages_missing", "mg1_sojourn_s", "missed_after_crash", "missed_by_id_share",
    "missed_while_down", "mm1_sojourn_quantile_s", "mm1_sojourn_s", "mm1k_blocking", "mmc_sojourn_s",
    "moved_by_modulo", "moved_by_ring", "moved_by_split", "object_lost", "on_time_share", "order_statistic_share",
    "outage_drain_s", "overtaken_share", "packed_bytes", "page_ship_bytes", "pages_hit", "pages_hit_standard_error",
    "patterns_asked", "pieces_sent_at_once", "pieces_sent_in_parts", "poison_load", "poisson_at_most", "pollers_most",
    "polling_delay_s", "polls_refused", "pooled_sojourn_s", "price_of_promising", "promised_unseen", "pull_touches",
    "push_touches", "pushes_missed", "puts_a_record", "quorum_is_safe", "quorum_missing", "quorum_quantile_s",
    "quorums_overlap", "race_tries", "random_hit_share", "ranges_s", "read_share", "readers_broken", "records_a_sync",
    "records_to_replay", "redistributed_bytes", "refused_for_a_clock", "relative_standard_error",
    "remembered_least_s", "rename_requests", "repair_s", "repeated_after_crash", "replay_s", "reserve_cost",
    "reserve_unsold", "retention_lasts_s", "row_pages", "rows_of_two_steps", "rows_on_page", "run_length_bytes",
    "same_element_share", "set_aside_share", "shards_needed", "small_files_s", "some_elements_share",
    "split_sojourn_s", "stale_after_lost_words", "stale_after_write", "stale_at_follower", "stale_hit_share",
    "stale_own_read", "straggler_ratio", "suffixes_needed", "swept_share", "takeover_most_s", "tiered_runs",
    "tiered_write_amplification", "token_bucket_most", "touched_share", "touched_share_unsorted", "tree_height",
    "ttl_hit_share", "two_phase_delay_s", "unseen_share", "unsorted_share", "usable_share", "video_bytes_a_second",
    "waiting_after_outage", "walks_by_products", "wasted_polls", "watermark_behind_s", "windows_an_event",
    "windows_an_event_cumulating", "windows_kept_most", "zone_sizes",
]  # fmt: skip
