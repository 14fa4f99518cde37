"""Copies that are written beside their source, or told by its log: how often they are wrong, and how late."""

from __future__ import annotations

import math

from dsys_lab.errors import require_not_negative, require_positive


def inverted_share(rate: float, delay_s: float) -> float:
    """Share of pairs of successive writes of one key that reach a second store the other way round.

    The writes come at random (Poisson), `rate` a second and key; each travels to the second store for an exponential
    time of mean `delay_s` = m. The second overtakes the first with probability `(1/2) (rate m) / (1 + rate m)`: the
    first must still be on its way when the second sets out, and then both are alike.
    """
    require_not_negative(rate=rate, delay_s=delay_s)
    load = rate * delay_s
    return load / (1 + load) / 2


def missed_by_id_share(rate: float, transaction_s: float, poll_s: float) -> float:
    """Share of an outbox's messages that a poller misses who asks for ids above the highest that it has seen.

    Ids are given when a transaction begins, `rate` a second at random (Poisson); it lasts for an exponential time of
    mean m, and then its row can be seen. A row is missed if the last poll before its commit has seen a later id.
    That this poll comes before the commit, and after the id, has probability `(m / P) (1 - e^(-P / m))`; how long the
    id was given by then is exponential again, and that a later one was given and committed within it has probability
    `1 - e^a a^(-a-1) g(a+1, a)` with a = rate m and g the lower incomplete gamma function.
    """
    require_positive(transaction_s=transaction_s, poll_s=poll_s)
    require_not_negative(rate=rate)
    load, polls = rate * transaction_s, poll_s / transaction_s
    term = none_later = 1 / (load + 1)
    for number in range(1, 10_000):
        term *= load / (load + 1 + number)
        none_later += term
        if term < 1e-12:
            break
    return -math.expm1(-polls) / polls * (1 - none_later)


def unseen_share(waited_s: float, poll_s: float) -> float:
    """Share of those who do not yet see in a copy what they wrote themselves, `waited_s` after they wrote it.

    Where the copy asks for changes every `poll_s` and takes all of them at once: `1 - d / P`, or none.
    """
    require_positive(poll_s=poll_s)
    require_not_negative(waited_s=waited_s)
    return max(0.0, 1 - waited_s / poll_s)
