"""Slumber's house, night by night, as facts: who decides too late, what a rebuild costs, who gets a letter.

`booking` has the run of the same name (orders that think at the same time), `rebuilding` a view with a mistake and
three ways to mend it, `replaying` letters and a view that is folded again. `unrolled` rolls a night up to any fact,
`evolving` reads bytes of old schemas in four ways, `past` asks what was known when, `forgetting` takes a guest out;
`counts` says what many runs come to.
"""

from dsys_lab.scenarios.event_sourcing.booking import booking
from dsys_lab.scenarios.event_sourcing.rebuilding import rebuilding
from dsys_lab.scenarios.event_sourcing.replaying import replaying

__all__ = ["booking", "rebuilding", "replaying"]
