"""An event bus: what an outage costs, how a loop grows, how many patterns an index asks."""

from __future__ import annotations

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def given_up_share(down_s: float, lasts_s: float) -> float:
    """Share of what comes evenly during an outage and is given up before it ends: `max(0, 1 - lasts / down)`.

    What comes in the last `lasts_s` of the outage is still tried when it is over; all that came before is not.
    """
    require_positive(down_s=down_s)
    require_not_negative(lasts_s=lasts_s)
    return max(0.0, 1 - lasts_s / down_s)


def events_in_loop(writes: float, rounds: int, *, first: int = 1) -> float:
    """Events on a bus after so many rounds, if each is followed by `writes` on average: `first * sum(writes**k)`.

    Below 1 the sum ends at `first / (1 - writes)`; from 1 on it has no end.
    """
    require_not_negative(writes=writes, first=first)
    if rounds < 0:
        raise BadParameter(f"rounds = {rounds!r}: give 0 or more")
    return first * sum(writes**number for number in range(rounds + 1))


def patterns_asked(rules: int, values: int) -> float:
    """Patterns that an index asks of an event, if the rules are spread evenly over the values of a field."""
    require_positive(rules=rules, values=values)
    return rules / values
