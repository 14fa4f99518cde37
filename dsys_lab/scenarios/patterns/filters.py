"""Pipes and filters: one program that does all, or a filter a step with a pipe between them.

A night is parsed, scored and stored, and there are so many machines. Each may run the whole program, one night after
the other; or each runs one step, the filter, and hands the night on. As many nights come through either way, if every
step has machines enough for its work: a row of filters bears what its narrowest step bears. What differs is what a
machine must be. The score needs a large model in memory, so with one program every machine must have room for it, and
with filters those that score; and a filter can be given more machines, or another program, by itself. Each pipe is a
hand-over that the program did not need.

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
from dsys_lab.trace import Trace

WAYS: Final = ("one program", "three filters")
WEARABLES, PROGRAM, SCORE = "wearables", "program", "score"


@scenario("{way}")
def filters(
    sim: Simulation,
    *,
    way: str = "one program",
    rate: float = 4.0,
    parse_s: float = 0.1,
    score_s: float = 0.2,
    store_s: float = 0.1,
    hands: int = 2,
    until_s: float = 40.0,
) -> Claims:
    """Nights come `rate` a second, and there are `hands + 2` machines.

    As filters, `hands` of them score, one parses and one stores: they bear the least of `1 / parse_s`,
    `hands / score_s` and `1 / store_s` a second. The same program on each bears `machines / (parse_s + score_s +
    store_s)`.
    """
    require_choice("way", way, WAYS)
    require_positive(rate=rate, parse_s=parse_s, score_s=score_s, store_s=store_s, hands=hands, until_s=until_s)
    if way == "one program":
        steps = {PROGRAM: (constant(parse_s + score_s + store_s), hands + 2)}
    else:
        steps = {"parse": (constant(parse_s), 1), SCORE: (constant(score_s), hands), "store": (constant(store_s), 1)}
    sim.spawn(hand_over_at_random(sim, WEARABLES, in_a_row(sim, steps, window=None), rate=rate))
    sim.run(until_s)
    balanced: dict[str, dict[str, Any]] = {"conservation": {}, "depth adds up": {}, "nothing lost": {}}
    return Claims(balanced, {"done": {"value": rate, "label": f"{rate:g}/s come in"}})


# ------------------------------------------------------------------------------------------ what it came to
def with_the_model(trace: Trace) -> int:
    """Return how many machines scored a night, and so must have room for the model."""
    return len({row.place for row in trace.of("start") if row.place.startswith((PROGRAM, SCORE))})
