"""Who follows whom: a few are followed by everybody, most by hardly anyone.

The user of rank r has `floor(users / r^s)` followers, drawn at random among the others: with 2,000 users and s = 0.9
the first is followed by all, the hundredth by 31, and the mean is 11.5. Everybody follows as many as the luck of the
draws gives them.
"""

from __future__ import annotations

import random
from typing import Final

from dsys_lab.errors import BadParameter

USERS_MOST: Final = 5_000


def followers(users: int = 2_000, exponent: float = 0.9, *, seed: int = 7) -> dict[str, list[str]]:
    """Return for each user the users who follow them, the most followed first."""
    if type(users) is not int or not 2 <= users <= USERS_MOST:
        raise BadParameter(f"users = {users!r}: give a whole number from 2 to {USERS_MOST:,}")
    if not 0 < exponent <= 4:
        raise BadParameter(f"exponent = {exponent!r}: give a number above 0, up to 4")
    names, luck = [f"u{number}" for number in range(users)], random.Random(f"{seed}/followers")
    return {
        name: _drawn(names, place, min(users - 1, int(users / (place + 1) ** exponent)), luck)
        for place, name in enumerate(names)
    }


def _drawn(names: list[str], place: int, count: int, luck: random.Random) -> list[str]:
    """Draw `count` of the others, each once; only by `random()`, whose sequence Python promises to keep."""
    others = len(names) - 1
    if count > others // 2:
        ranked = sorted((luck.random(), other) for other in range(others))
        chosen = [other for _, other in ranked[:count]]
    else:
        drawn: dict[int, None] = {}
        while len(drawn) < count:
            drawn[int(luck.random() * others)] = None
        chosen = list(drawn)
    return [names[other + (other >= place)] for other in chosen]
