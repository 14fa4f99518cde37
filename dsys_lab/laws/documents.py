"""Documents: what an array hides from an index, and what a list that grows inside its document costs."""

from __future__ import annotations

import math
from collections.abc import Callable

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def same_element_share(first: float, second: float, *lengths: float) -> float:
    """Share of the documents with one element that is both: `sum of w_n (1 - (1 - p q)^n)`.

    Parameters
    ----------
    first, second : float
        Shares p and q of all elements that are the one, and the other; the two are independent.
    *lengths : float
        Share w_n of the documents with n elements, from 0 on; they make 1.
    """
    return _over(lengths, lambda n: 1 - (1 - first * second) ** n, first, second)


def some_elements_share(first: float, second: float, *lengths: float) -> float:
    """Share of the documents with an element that is the one and an element that is the other, perhaps the same.

    `1 - (1 - p)^n - (1 - q)^n + (1 - p)^n (1 - q)^n` for n elements, for `(1 - p)(1 - q)` of the elements are neither.
    This is all that an index of single values can know, whatever it is made of.
    """
    return _over(lengths, lambda n: (1 - (1 - first) ** n) - (1 - second) ** n + ((1 - first) * (1 - second)) ** n,
                 first, second)  # fmt: skip


def _over(lengths: tuple[float, ...], share_of: Callable[[int], float], first: float, second: float) -> float:
    require_fraction(first=first, second=second)
    if not lengths or not math.isclose(sum(lengths), 1):
        raise BadParameter(f"lengths = {lengths!r}: give the shares of documents with 0, 1, 2, … elements; they make 1")
    return math.fsum(weight * share_of(number) for number, weight in enumerate(lengths))


def grown_bytes(elements: int, *, head_bytes: float, element_bytes: float, bucket: int | None = None) -> float:
    """Bytes written when elements are added one by one, and the whole document each time: `n h + e n (n + 1) / 2`.

    The square is in the second term. With a new document every `bucket` elements it is a sum over full buckets and a
    last one: `(n / B) (B h + e B (B + 1) / 2)`, which is linear in n. With `bucket = 1` each element is a document.
    """
    require_positive(head_bytes=head_bytes, element_bytes=element_bytes, bucket=bucket or 1)
    require_not_negative(elements=elements)
    full, rest = divmod(elements, bucket or max(elements, 1))

    def one(count: int) -> float:
        return count * head_bytes + element_bytes * count * (count + 1) / 2

    return full * one(bucket or elements) + (one(rest) if rest else 0.0)


def cards_of_insert(*lengths: int) -> int:
    """Cards that an insert puts up on shelves whose paths lead to so many values each: the sum, an absent one counts.

    The card of `_id` is not among them.
    """
    require_not_negative(**{f"length_{place}": length for place, length in enumerate(lengths)})
    return sum(max(1, length) for length in lengths)


def edits_left(editors: int, rounds: int) -> int:
    """Edits that are left of `editors * rounds` where in each round all read before the first one writes: one a round.

    Whoever writes last in a round undoes the others of that round.
    """
    require_positive(editors=editors, rounds=rounds)
    return rounds
