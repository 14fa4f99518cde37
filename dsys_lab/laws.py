"""The laws: the numbers that a run is held against.

Each law is a pure function: parameters with their units in, one number out, with its source and the domain in which it
holds. Rates are per second, times are seconds, shares are between 0 and 1. A law outside its domain raises
`BadParameter` rather than give a number that means nothing.

A simulated mean wanders around its law. How far is a law too (`relative_standard_error`): tests allow three standard
errors and never a fixed percentage, and charts draw the band.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

from dsys_lab.errors import BadParameter, require_fraction, require_positive


def _stable(arrival_rate: float, service_rate: float, servers: int = 1) -> float:
    """Return the utilisation; refuse a queue that has no steady state."""
    require_positive(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    utilisation = arrival_rate / (service_rate * servers)
    if utilisation >= 1:
        raise BadParameter(
            f"{arrival_rate:g}/s come in and {service_rate * servers:g}/s can be served: this queue grows for ever "
            "and has no mean wait; use `backlog` for how fast it grows"
        )
    return utilisation


def _not_negative(**values: float) -> None:
    """Refuse any parameter below zero, naming it."""
    for name, value in values.items():
        if not value >= 0:
            raise BadParameter(f"{name} = {value!r}: give 0 or more")


# ------------------------------------------------------------------------------------------ queues in balance
def little(arrival_rate: float, sojourn_s: float) -> float:
    """Mean number in a system, `L = lambda * W`: true of every stable system, whatever is inside.

    Source: Little, "A proof for the queuing formula L = lambda W", Operations Research 1961.
    """
    return arrival_rate * sojourn_s


def mm1_sojourn_s(arrival_rate: float, service_rate: float) -> float:
    """Mean time in an M/M/1 system, waiting and service together: `1 / (mu - lambda)`.

    Random (Poisson) arrivals, exponential service, one server, endless buffer, first in first out, lambda < mu.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 3.2.
    """
    _stable(arrival_rate, service_rate)
    return 1 / (service_rate - arrival_rate)


def mm1_sojourn_quantile_s(arrival_rate: float, service_rate: float, *, share: float) -> float:
    """Time within which `share` of the customers leave an M/M/1 system: it is exponential, so p99 = 4.6 W."""
    require_fraction(share=share)
    if share == 1:
        raise BadParameter("share = 1: there is no time within which all leave; give a share below 1")
    return -math.log(1 - share) * mm1_sojourn_s(arrival_rate, service_rate)


def mg1_sojourn_s(arrival_rate: float, service_rate: float, *, squared_variation: float) -> float:
    """Mean time in an M/G/1 system: `S + rho S (1 + c2) / (2 (1 - rho))` (Pollaczek-Khinchine).

    `squared_variation` is c2 = variance / mean**2 of the service time: 0 constant, 1 exponential, more for heavy tails.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 5.6.
    """
    if squared_variation < 0:
        raise BadParameter(f"squared_variation = {squared_variation!r}: give 0 (constant) or more")
    utilisation, service_s = _stable(arrival_rate, service_rate), 1 / service_rate
    return service_s + utilisation * service_s * (1 + squared_variation) / (2 * (1 - utilisation))


def erlang_c(servers: int, offered_load: float) -> float:
    """Share of customers that must wait in an M/M/c system; `offered_load` = lambda / mu, below `servers`.

    Source: Erlang 1917; Kleinrock, *Queueing Systems* vol. 1, sec. 3.5. Computed by the stable recursion of Erlang B.
    """
    _stable(offered_load, 1.0, servers)
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered_load * blocked / (busy + offered_load * blocked)
    return servers * blocked / (servers - offered_load * (1 - blocked))


def mmc_sojourn_s(arrival_rate: float, service_rate: float, *, servers: int) -> float:
    """Mean time in an M/M/c system: `1/mu + C(c, lambda/mu) / (c mu - lambda)`."""
    _stable(arrival_rate, service_rate, servers)
    waiting = erlang_c(servers, arrival_rate / service_rate)
    return 1 / service_rate + waiting / (servers * service_rate - arrival_rate)


def mm1k_blocking(utilisation: float, capacity: int) -> float:
    """Share lost by an M/M/1/K queue: `(1 - rho) rho**K / (1 - rho**(K+1))`, and `1 / (K + 1)` at rho = 1.

    `capacity` is K and counts the one in service. Holds at any utilisation, above 1 too.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 3.6.
    """
    require_positive(utilisation=utilisation, capacity=capacity)
    if math.isclose(utilisation, 1.0):
        return 1 / (capacity + 1)
    if utilisation > 1:  # the same, divided by rho**K: a power that grows would overflow
        return (1 - utilisation) / (utilisation**-capacity - utilisation)
    return (1 - utilisation) * utilisation**capacity / (1 - utilisation ** (capacity + 1))


# ------------------------------------------------------------------------------------------ queues out of balance
def backlog(arrival_rate: float, service_rate: float, seconds: float) -> float:
    """Messages that pile up in `seconds` of overload, as a fluid: `(lambda - mu) t`, never below 0."""
    _not_negative(arrival_rate=arrival_rate, service_rate=service_rate, seconds=seconds)
    return max(0.0, (arrival_rate - service_rate) * seconds)


def drain_s(waiting: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds until a backlog is gone: `backlog / (mu - lambda)`. Needs lambda < mu: else it never drains.

    `arrival_rate` may be 0: nothing new comes.
    """
    if arrival_rate != 0:
        _stable(arrival_rate, service_rate)
    require_positive(service_rate=service_rate)
    _not_negative(waiting=waiting)
    return waiting / (service_rate - arrival_rate)


def outage_drain_s(outage_s: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds to work off what came in during an outage: `lambda * outage / (mu - lambda)`."""
    return drain_s(arrival_rate * outage_s, arrival_rate, service_rate)


def retention_lasts_s(retention_s: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds until a reader that is too slow loses the first message: `R / (1 - mu / lambda)`.

    Messages are kept for `retention_s`. A reader that stands still (mu = 0) loses after R; one that keeps up, never.
    """
    require_positive(retention_s=retention_s, arrival_rate=arrival_rate)
    if not 0 <= service_rate < arrival_rate:
        raise BadParameter(f"{service_rate:g}/s are read of {arrival_rate:g}/s: this reader keeps up and loses nothing")
    return retention_s / (1 - service_rate / arrival_rate)


# ------------------------------------------------------------------------------------------ retries and throttles
def attempts_per_call(failure_share: float, retries: int, *, layers: int = 1) -> float:
    """Calls that reach the bottom for one at the top: `((1 - p**(r+1)) / (1 - p)) ** layers`.

    Each layer tries up to `retries` more times, and each attempt fails independently with `failure_share`. With
    `failure_share` = 1 that is `(r + 1) ** layers`: three tries in five layers make 243 calls.
    Source: *Site Reliability Engineering*, ch. 22.
    """
    require_fraction(failure_share=failure_share)
    if retries < 0 or layers < 1:
        raise BadParameter(f"retries = {retries!r}, layers = {layers!r}: give 0 retries or more, in 1 layer or more")
    one = retries + 1 if failure_share == 1 else (1 - failure_share ** (retries + 1)) / (1 - failure_share)
    return float(one**layers)


def token_bucket_most(rate: float, burst: float, seconds: float) -> float:
    """The most that a token bucket lets through in any window of `seconds`: `burst + rate * t`."""
    require_positive(rate=rate, burst=burst)
    _not_negative(seconds=seconds)
    return burst + rate * seconds


AIMD_UTILISATION: Final = 0.75
"""Mean use of a shared limit by synchronised senders that halve at refusal: they swing between half and all of it.

Source: Chiu and Jain, Computer Networks 1989; holds for steps that are small against the limit."""


def in_time_most(utilisation: float) -> float:
    """The largest share of requests that any discipline can serve in time under overload: `1 / rho`."""
    require_positive(utilisation=utilisation)
    return min(1.0, 1 / utilisation)


# ------------------------------------------------------------------------------------------ messages on loan
def exponential_within(visibility_s: float, work_mean_s: float) -> float:
    """Share F(V) of exponential work that ends within the visibility timeout: `1 - exp(-V/m)`."""
    require_positive(visibility_s=visibility_s, work_mean_s=work_mean_s)
    return 1 - math.exp(-visibility_s / work_mean_s)


def deliveries_newest(share_within: float) -> float:
    """Mean deliveries of a message when only the newest handle acknowledges: `1 / F(V)`.

    Every delivery is a fresh draw of the work, a worker is always free when the message shows again, and the work is
    not remembered. Geometric: P(more than k) = (1 - F)**k.
    """
    require_fraction(share_within=share_within)
    require_positive(share_within=share_within)
    return 1 / share_within


def deliveries_any(visibility_s: float, work_mean_s: float) -> float:
    """Mean deliveries when any handle acknowledges, exponential work: `1 + sum over n of exp(-V n (n+1) / 2m)`.

    The n-th redelivery happens only if all earlier workers, who go on, are still at it.
    """
    require_positive(visibility_s=visibility_s, work_mean_s=work_mean_s)
    ratio = visibility_s / work_mean_s
    terms = (math.exp(-ratio * n * (n + 1) / 2) for n in range(1, 10_000))
    that_count = itertools.takewhile(lambda term: term > 1e-12, terms)
    return 1 + math.fsum(that_count)


def falsely_dead(share_within: float, max_receives: int) -> float:
    """Share of healthy messages set aside as poison though every attempt did the work: `(1 - F(V))**R`."""
    require_fraction(share_within=share_within)
    require_positive(max_receives=max_receives)
    return (1 - share_within) ** max_receives


def poison_load(poison_share: float, max_receives: int) -> float:
    """Factor by which poison raises the work: `1 - p + p R`, for each poisoned message is tried R times."""
    require_fraction(poison_share=poison_share)
    require_positive(max_receives=max_receives)
    return 1 - poison_share + poison_share * max_receives


def empty_receives_a_day(arrival_rate: float, *, wait_s: float = 0.0, every_s: float = 1.0) -> float:
    """Receives that find nothing, a day and waiter, with Poisson arrivals.

    Long poll of `wait_s`: `86,400 lambda e**(-lambda w) / (1 - e**(-lambda w))`. Short poll (`wait_s` = 0) once every
    `every_s`: `86,400 / T * e**(-lambda T)`.
    """
    require_positive(arrival_rate=arrival_rate, every_s=every_s)
    _not_negative(wait_s=wait_s)
    day_s = 86_400
    if not wait_s:
        return day_s / every_s * math.exp(-arrival_rate * every_s)
    none = math.exp(-arrival_rate * wait_s)
    return day_s * arrival_rate * none / (1 - none)


# ------------------------------------------------------------------------------------------ how far chance strays
def relative_standard_error(utilisation: float, *, customers: int) -> float:
    """Relative standard error of the mean number in an M/M/1 system measured over `customers`.

    `1/(1-rho) * sqrt(2 (1+rho) / (rho mu T))`, with `rho mu T` = customers. By Little's law it holds for the mean
    sojourn as well, a little on the wide side. Near saturation a queue forgets slowly: 200,000 customers give 4.4 % at
    rho = 0.9.

    Source: after Whitt, "Planning queueing simulations", Management Science 1989.
    """
    _stable(utilisation, 1.0)
    require_positive(customers=customers)
    return math.sqrt(2 * (1 + utilisation) / customers) / (1 - utilisation)


# ------------------------------------------------------------------------------------------ tables by column
PAGE_ROOM_BYTES: Final = 8_168
"""What a page of 8,192 bytes has room for beside its header of 24."""


def column_pages(rows: int, *width_bytes: float) -> int:
    """Pages of the columns that a question touches, each a file of its own: `sum(ceil(N * w / 8168))`.

    Plain encoding. A column that may be NULL is an eighth of a byte wider in the row groups that hold a NULL.
    Source: Copeland and Khoshafian, "A decomposition storage model", SIGMOD 1985.
    """
    if rows < 0:
        raise BadParameter(f"rows = {rows!r}: give 0 or more")
    return sum(math.ceil(rows * width / PAGE_ROOM_BYTES) for width in width_bytes)


def run_length_bytes(runs: int, width_bytes: int) -> int:
    """Bytes of a column written as runs, each a value and a length of 4 bytes: `runs * (w + 4)`."""
    return runs * (width_bytes + 4)


def packed_bytes(rows: int, value_range: int) -> float:
    """Bytes of values packed in bits, without headers: `N * ceil(log2(range + 1)) / 8`.

    `value_range` is the largest less the smallest. Source: Zukowski et al., ICDE 2006 (frame of reference).
    """
    if value_range < 0:
        raise BadParameter(f"value_range = {value_range!r}: give the largest less the smallest, 0 or more")
    return rows * value_range.bit_length() / 8


def dictionary_bytes(rows: int, different: int, width_bytes: float) -> float:
    """Bytes of a column written as codes and a dictionary: `N * code + different * w`, a code of 1, 2 or 4 bytes."""
    require_positive(different=different)
    code_bytes = 1 if different <= 1 << 8 else 2 if different <= 1 << 16 else 4
    return rows * code_bytes + different * width_bytes


def merge_pages_per_row(columns: int, *, pages_per_chunk: float, merge_rows: int) -> float:
    """Pages that a column store writes for each row that it takes in: `columns * pages_per_chunk / merge_rows`.

    Rows wait in memory (and in a log) until `merge_rows` are written at once; with `merge_rows` = 1 that is a page a
    column. Source: Stonebraker et al., "C-Store", VLDB 2005.
    """
    require_positive(columns=columns, pages_per_chunk=pages_per_chunk, merge_rows=merge_rows)
    return columns * pages_per_chunk / merge_rows


def calls_by_vector(rows: int, operators: int, *, vector_rows: int) -> int:
    """Calls between the operators of a plan: one each for every vector, and one that finds the end.

    `operators * (ceil(N / vector_rows) + 1)`; tuple at a time is `vector_rows` = 1. Holds where no filter lets an
    operator ask twice for one answer. Source: Boncz, Zukowski and Nes, "MonetDB/X100", CIDR 2005.
    """
    require_positive(operators=operators, vector_rows=vector_rows)
    return operators * (math.ceil(rows / vector_rows) + 1)


# ------------------------------------------------------------------------------------------ tables by row
def rows_on_page(record_bytes: float) -> int:
    """Records that fit a slotted page of 8,192 bytes, each with a slot of 4: `floor(8168 / (w + 4))`; 120 nights."""
    require_positive(record_bytes=record_bytes)
    return int(PAGE_ROOM_BYTES // (record_bytes + 4))


def row_pages(rows: int, record_bytes: float) -> int:
    """Pages of a heap, and so of every scan, whatever it asks for: `ceil(N / rows_on_page)`.

    Rows of one length, added in turn, none taken away. A record longer than a page has no place in one.
    """
    a_page = rows_on_page(record_bytes)
    if rows < 0 or not a_page:
        raise BadParameter(f"rows = {rows!r} of {record_bytes!r} bytes: give 0 rows or more, of at most 8,164 bytes")
    return math.ceil(rows / a_page)


def tree_height(entries: int, *, fan_out: float = 583, fill: float = 1.0) -> int:
    """Levels of a B+tree, leaves and root counted: `ceil(log(N) / log(fill * fan_out))`, and 1 at least.

    `fan_out` is the entries that fit a page (583 of 14 bytes in 8,192); `fill` is 1 for keys that came in order and
    about ln 2 for keys that came at random. A point read is one page a level, and one of the heap.
    Source: Comer, "The ubiquitous B-tree", Computing Surveys 1979.
    """
    require_positive(entries=entries)
    a_page = fan_out * fill
    if a_page < 2:
        raise BadParameter(f"{a_page:g} entries a page: a tree needs 2 or more to become smaller towards its root")
    height, reach = 1, a_page
    while reach < entries:
        height, reach = height + 1, reach * a_page
    return height


def pages_hit(pages: int, rows_wanted: float) -> float:
    """Pages of a heap that hold at least one of the rows wanted: `P (1 - (1 - 1/P)**k)`.

    Each row is on any page with equal chance, independently (Cardenas); rows that lie together, as one weekend's do,
    are on fewer. Each page is read once, in the order of the heap. A row more than once counts once more, so the law
    is a little low where k nears the rows there are (Yao's formula draws without putting back).
    Source: Cardenas, "Analysis and performance of inverted data base structures", CACM 1975; Yao, CACM 1977.
    """
    require_positive(pages=pages)
    if rows_wanted < 0:
        raise BadParameter(f"rows_wanted = {rows_wanted!r}: give 0 rows or more")
    return pages * -math.expm1(rows_wanted * math.log1p(-1 / pages)) if pages > 1 else min(1.0, rows_wanted)


def pages_hit_standard_error(pages: int, rows_wanted: float) -> float:
    """Standard deviation of the pages hit in one draw: balls into urns.

    `P (P-1) (1 - 2/P)**k + P (1 - 1/P)**k - P**2 (1 - 1/P)**(2k)` is the variance.
    Source: Johnson and Kotz, *Urn Models and Their Application*, 1977, sec. 3.2.
    """
    require_positive(pages=pages)
    missed = (1 - 1 / pages) ** rows_wanted
    variance = pages * (pages - 1) * (1 - 2 / pages) ** rows_wanted + pages * missed - (pages * missed) ** 2
    return math.sqrt(max(0.0, variance))
