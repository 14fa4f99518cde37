"""Pipes and filters: one program that does all, or a filter a step with a pipe between them.

A night is parsed, scored and stored. As one program on one machine the steps follow each other, and the next night
waits for all of them. As three filters on three machines each takes the next night as soon as its own step is done, so
the slowest step alone says how many come through; and it alone may be given more hands. Each pipe is a hand-over that
the program did not need.

Sources: Hohpe and Woolf, *Enterprise Integration Patterns*, 2003, "Pipes and Filters"; Azure Architecture Center, the
same name.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.stages import hand_over_at_random, in_a_row
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import constant

WAYS: Final = ("one program", "three filters")
WEARABLES, PROGRAM = "wearables", "program"


@scenario("{way}")
def filters(
    sim: Simulation,
    *,
    way: str = "one program",
    rate: float = 4.0,
    parse_s: float = 0.1,
    score_s: float = 0.2,
    store_s: float = 0.1,
    hands: int = 1,
    until_s: float = 40.0,
) -> Claims:
    """Nights come `rate` a second; `hands` score side by side, where scoring is a filter of its own.

    One program bears `1 / (parse_s + score_s + store_s)` a second, a row of filters the least of `1 / parse_s`,
    `hands / score_s` and `1 / store_s`.
    """
    require_choice("way", way, WAYS)
    require_positive(rate=rate, parse_s=parse_s, score_s=score_s, store_s=store_s, hands=hands, until_s=until_s)
    if way == "one program":
        steps = {PROGRAM: (constant(parse_s + score_s + store_s), 1)}
    else:
        steps = {"parse": (constant(parse_s), 1), "score": (constant(score_s), hands), "store": (constant(store_s), 1)}
    sim.spawn(hand_over_at_random(sim, WEARABLES, in_a_row(sim, steps, window=None), rate=rate))
    sim.run(until_s)
    balanced: dict[str, dict[str, Any]] = {"conservation": {}, "depth adds up": {}, "nothing lost": {}}
    return Claims(balanced, {"done": {"value": rate, "label": f"{rate:g}/s come in"}})
