"""What is true of these nights, so that every answer can be marked?

The world was made with effects of known size; here is what they come to when they are measured on the first 10^6
nights of seed 7, how they are measured, and how far another seed may stray. Three of them teach something:

- *the plan*: a night on `plus` is 6 minutes longer, yet the plain difference of means says less, for the old choose
  `plus` more often and sleep less. Compared within bands of age, the difference is there (confounding).
- *age*: planted is -0.6 minutes a year; few people give many nights each, so the slope strays more than the number of
  nights suggests (clustering).
- *moves*: for one night in thirty the city of that night is not the city where the person first lived (SCD 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from dsys_lab.workloads.slumber.faults import DEVICE_OFF
from dsys_lab.workloads.slumber.luck import Columns


@dataclass(frozen=True, slots=True)
class Truth:
    """A number that is known.

    Attributes
    ----------
    claim : str
        What it is, with its unit.
    planted : float
        The value at 10^6 nights of seed 7, or the effect as planted.
    tolerance : float
        How far a measured value may lie from it at 10^6 nights.
    measure : callable
        `(nights, people)` -> the value.
    """

    claim: str
    planted: float
    tolerance: float
    measure: Callable[[Columns, Columns], float]

    def holds(self, nights: Columns, people: Columns) -> bool:
        """Whether the value measured on these tables is the planted one, within the tolerance."""
        return abs(self.measure(nights, people) - self.planted) <= self.tolerance


def _known(nights: Columns) -> Columns:
    """Return the nights on which the device was on."""
    on = (nights["status"] & DEVICE_OFF) == 0
    return {name: column[on] for name, column in nights.items()}


def _gap(minutes: np.ndarray, chosen: np.ndarray) -> float:
    """Return by how much the mean of the chosen lies above that of the others."""
    return float(minutes[chosen].mean() - minutes[~chosen].mean())


def mean_minutes(nights: Columns, people: Columns) -> float:
    """Mean of `minutes_sleep`, nulls left out."""
    return float(_known(nights)["minutes_sleep"].mean())


def median_minutes(nights: Columns, people: Columns) -> float:
    """Median of `minutes_sleep`, nulls left out."""
    return float(np.median(_known(nights)["minutes_sleep"]))


def null_share(nights: Columns, people: Columns) -> float:
    """Share of nights without minutes."""
    return float(((nights["status"] & DEVICE_OFF) != 0).mean())


def weekend_minutes(nights: Columns, people: Columns) -> float:
    """How much longer Friday's and Saturday's nights are."""
    known = _known(nights)
    return _gap(known["minutes_sleep"], (known["date_key"].astype(int) + 6) % 7 >= 5)


def age_slope(nights: Columns, people: Columns) -> float:
    """Least-squares slope of the minutes over age."""
    known = _known(nights)
    age, minutes = known["age"].astype(float), known["minutes_sleep"].astype(float)
    return float(((age - age.mean()) * minutes).mean() / age.var())


def plan_minutes(nights: Columns, people: Columns) -> float:
    """Plain difference of means, plus minus free."""
    known = _known(nights)
    return _gap(known["minutes_sleep"], people["plan"][known["person_id"]] == 1)


def plan_minutes_within_age(nights: Columns, people: Columns) -> float:
    """Difference of means within each ten years of age, weighted by the nights on plus."""
    known = _known(nights)
    plus, band = people["plan"][known["person_id"]] == 1, known["age"] // 10
    total, weight = 0.0, 0
    for each in np.unique(band):
        here = band == each
        if plus[here].any() and not plus[here].all():
            total += _gap(known["minutes_sleep"][here], plus[here]) * plus[here].sum()
            weight += plus[here].sum()
    return float(total / weight)


def top_city_share(nights: Columns, people: Columns) -> float:
    """Share of the nights in the city with the most."""
    return float(np.bincount(nights["city_id"]).max() / len(nights["city_id"]))


def moved_share(nights: Columns, people: Columns) -> float:
    """Share of the nights after the sleeper's move."""
    return float((nights["date_key"] >= people["move_day"][nights["person_id"]]).mean())


TRUTHS: Final = {
    "mean": Truth("mean night, minutes", 438.10, 1.5, mean_minutes),
    "median": Truth("median night, minutes", 441, 2, median_minutes),
    "nulls": Truth("share of nights without minutes", 0.03, 0.001, null_share),
    "weekend": Truth("Friday and Saturday above the others, minutes", 35, 0.5, weekend_minutes),
    "age": Truth("slope over age, minutes a year", -0.6, 0.1, age_slope),
    "plan": Truth("plus above free, plainly, minutes", 3.6, 2.5, plan_minutes),
    "plan within age": Truth("plus above free, within ten years of age, minutes", 6, 2.5, plan_minutes_within_age),
    "top city": Truth("share of nights in the largest city", 0.22, 0.01, top_city_share),
    "moved": Truth("share of nights after a move", 0.034, 0.003, moved_share),
}
"""Every planted truth by name."""
