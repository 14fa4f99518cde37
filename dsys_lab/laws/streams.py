"""Streams: what a period costs, what a cut saws through, how much a watermark waits for, and what must be kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def least_period_s(arrival_rate: float, setup_s: float, per_record_s: float) -> float:
    """Return the shortest period at which a batch job keeps up: `a / (1 - b lambda)`.

    A run takes a + b n for n records, and must be over before the next file is there. Where b lambda >= 1 no period is
    long enough.
    """
    require_positive(arrival_rate=arrival_rate)
    require_not_negative(setup_s=setup_s, per_record_s=per_record_s)
    if per_record_s * arrival_rate >= 1:
        raise BadParameter(
            f"{arrival_rate:g} records a second take {per_record_s * arrival_rate:g} s of work a second: no period is "
            "long enough; give a rate below 1 / per_record_s"
        )
    return setup_s / (1 - per_record_s * arrival_rate)


def batch_delay_s(period_s: float, arrival_rate: float, setup_s: float, per_record_s: float) -> float:
    """Return the mean time from a record's arrival to its answer: `T / 2 + a + b lambda T`.

    Half a period until its file is closed, and the run. From the least period up; near it files of uneven size make
    runs wait for each other, which this leaves out.
    """
    require_positive(period_s=period_s)
    least_s = least_period_s(arrival_rate, setup_s, per_record_s)
    if period_s < least_s:
        raise BadParameter(f"period_s = {period_s:g} is below {least_s:g} s: the job falls behind for ever")
    return period_s / 2 + setup_s + per_record_s * arrival_rate * period_s


def machine_s_per_record(period_s: float, arrival_rate: float, setup_s: float, per_record_s: float) -> float:
    """Return the seconds of machine time that a record costs: `a / (lambda T) + b`; freshness is paid in setups."""
    require_positive(period_s=period_s, arrival_rate=arrival_rate)
    require_not_negative(setup_s=setup_s, per_record_s=per_record_s)
    return setup_s / (arrival_rate * period_s) + per_record_s


def cut_share(mean_s: float, period_s: float) -> float:
    """Return the share of stretches that a cut every `period_s` goes through: `(m / T) (1 - e^(-T / m))`.

    Of stretches whose length is exponential with mean m and whose beginning knows nothing of the cuts: the mean of
    min(D / T, 1).
    """
    require_positive(mean_s=mean_s, period_s=period_s)
    return mean_s / period_s * -math.expm1(-period_s / mean_s)


def distinct_again_factor(rates: Sequence[float], period_s: float, horizon_s: float) -> float:
    """Return by how much the sum of files' counts of different keys exceeds the count over all of them.

    `(H / T) sum(1 - e^(-l T)) / sum(1 - e^(-l H))`, where key k comes at random at `rates[k]` a second, files are
    `period_s` long and all of them `horizon_s`: the expected sum by the expected count.
    """
    require_positive(period_s=period_s, horizon_s=horizon_s)
    if not rates or min(rates) <= 0:
        raise BadParameter("rates: give each key's rate, above 0")
    in_files = sum(-math.expm1(-rate * period_s) for rate in rates) * horizon_s / period_s
    return in_files / sum(-math.expm1(-rate * horizon_s) for rate in rates)


def on_time_share(delay_mean_s: float, window_s: float, bound_s: float) -> float:
    """Return the share of events that their window hears of in time: `1 - (d / w) e^(-B / d) (1 - e^(-w / d))`.

    Events happen at any moment of a window alike and come an exponential delay of mean d later; the window closes at
    its end and B. A watermark that follows the latest event trails the clock, so a stream hears of at least so many.
    """
    require_positive(delay_mean_s=delay_mean_s, window_s=window_s)
    require_not_negative(bound_s=bound_s)
    late = delay_mean_s / window_s * math.exp(-bound_s / delay_mean_s)
    return 1 + late * math.expm1(-window_s / delay_mean_s)


def watermark_behind_s(bound_s: float, rates: Sequence[float]) -> float:
    """Return how far a watermark is behind the clock: the bound, and the age of the stalest input's last event.

    Inputs whose events come at random at `rates` a second, in order and at once: the mean of the largest of
    exponential times, by inclusion and exclusion. A delay of the events adds to it.
    """
    require_not_negative(bound_s=bound_s)
    if not rates or min(rates) <= 0:
        raise BadParameter("rates: give each input's rate, above 0")
    sets = [chosen for size in range(1, len(rates) + 1) for chosen in combinations(rates, size)]
    return bound_s + sum((-1) ** (len(chosen) + 1) / sum(chosen) for chosen in sets)


def joined_rows_kept(left_rate: float, right_rate: float, low_s: float, high_s: float, behind_s: float) -> float:
    """Return the rows that an interval join remembers: `l (high + behind) + r (behind - low)`.

    Little's law of state: a left row waits until the watermark, `behind_s` behind the clock, has passed its time and
    `high_s`, the most that its partner may come after it; a right one until it has passed its time less `low_s`.
    """
    require_not_negative(left_rate=left_rate, right_rate=right_rate)
    if high_s < low_s or high_s + behind_s < 0 or behind_s - low_s < 0:
        raise BadParameter(f"low_s = {low_s:g}, high_s = {high_s:g}: give low <= high, neither beyond the watermark")
    return left_rate * (high_s + behind_s) + right_rate * (behind_s - low_s)


def windows_kept_most(size_s: float, slide_s: float, behind_s: float, lateness_s: float = 0.0) -> int:
    """Return the most windows of one key in memory: `floor((size + behind + lateness) / slide) + 1`.

    Those that have begun by the latest event, and whose end and lateness the watermark, `behind_s` behind it, has not
    passed. Tumbling windows slide by their size.
    """
    require_positive(size_s=size_s, slide_s=slide_s)
    require_not_negative(behind_s=behind_s, lateness_s=lateness_s)
    return math.floor((size_s + behind_s + lateness_s) / slide_s + 1e-9) + 1


def windows_an_event(size_s: float, slide_s: float) -> float:
    """Return in how many windows an event lies: `size / slide`, of hopping ones, on average."""
    require_positive(size_s=size_s, slide_s=slide_s)
    return size_s / slide_s


def windows_an_event_cumulating(size_s: float, step_s: float) -> float:
    """Return the same for cumulating windows: `(n + 1) / 2` of n = size / step.

    An event of the first step lies in all n of them, one of the last in the last alone, and each step is as likely.
    """
    return (windows_an_event(size_s, step_s) + 1) / 2


def two_phase_delay_s(checkpoint_every_s: float) -> float:
    """Return how much later an answer is seen that waits for the next checkpoint: `C / 2` on average.

    For answers that come at any moment alike; what a crash repeats is `repeated_after_crash`.
    """
    require_positive(checkpoint_every_s=checkpoint_every_s)
    return checkpoint_every_s / 2
