"""How big is Slumber when it has N nights?

One number sets every size. The company gains 20 sleepers a day from Sunday, 1 January 2017, and everybody who has
joined sleeps every night, so day d has `20 (d + 1)` nights and `10 (d + 1) (d + 2)` have passed when it ends. The
quadratic runs backwards too: night i falls on day

    day(i) = floor((-1 + sqrt(1 + 0.4 i)) / 2)

and so the first 1,000 nights are the same whether a thousand or a hundred million follow.

=========  =======  ========  ===========  ===========  ================
N nights   days     people    pings (96)   orders (/10) bytes of nights
=========  =======  ========  ===========  ===========  ================
10^3       10       200       96 k         10^2         64 kB
10^4       32       640       0.96 M       10^3         640 kB
10^5       100      2,000     9.6 M        10^4         6.4 MB
10^6       316      6,320     96 M         10^5         64 MB
10^8       3,162    63,240    9.6 G        10^7         6.4 GB
=========  =======  ========  ===========  ===========  ================

Orders follow the same law at a tenth: `2 (d + 1)` on day d, and order j falls on the d with `d (d + 1) <= j`.

Promise: the laws are exact, at the first and the last night and order of every day.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsys_lab.workloads.slumber.luck import Ints

FIRST_DATE: Final = np.datetime64("2017-01-01", "D")
"""Date of day 0, a Sunday."""
JOINING_A_DAY: Final = 20
NIGHTS_AN_ORDER: Final = 10
DAYS_MOST: Final = 1 << 16
"""Days that fit the two bytes of `date_key`: to the year 2196."""
NIGHTS_MOST: Final = 10 * DAYS_MOST * (DAYS_MOST + 1)
"""Nights until then: 43 thousand million."""


def first_night(day: int) -> int:
    """Return the number of the first night of `day`: how many came before."""
    return JOINING_A_DAY // 2 * day * (day + 1)


def day_of_night(night: int) -> int:
    """Return the day, from 0, on which night number `night` falls."""
    return (math.isqrt(1 + 4 * (night // (JOINING_A_DAY // 2))) - 1) // 2


def day_of_order(orders: NDArray[Any]) -> Ints:
    """Return the day of each order number."""
    root = np.sqrt(1 + 4 * orders.astype(np.int64))  # exact where it matters: of squares below 2**53
    return ((root - 1) / 2).astype(np.int64)


def days(nights: int) -> int:
    """Return on how many days `nights` nights fall."""
    return day_of_night(nights - 1) + 1 if nights else 0


def people(nights: int) -> int:
    """Return how many people have joined by the day of the last of `nights` nights."""
    return JOINING_A_DAY * days(nights)


def orders(nights: int) -> int:
    """Return how many orders there are beside `nights` nights."""
    return nights // NIGHTS_AN_ORDER
