"""Patterns: what each buys and what it costs, counted in two runs of a lab, without it and with it.

Small scenarios for the patterns that no other lab performs stand here, a file each; `catalogue` has the cards. And one
order that meets most of them: `one_order`, through every store and broker.
"""

from dsys_lab.scenarios.patterns.asynchronous_reply import reports
from dsys_lab.scenarios.patterns.bulkhead import pools
from dsys_lab.scenarios.patterns.choreography import order
from dsys_lab.scenarios.patterns.circuit_breaker import storm
from dsys_lab.scenarios.patterns.claim_check import large
from dsys_lab.scenarios.patterns.deployment_stamps import stamps
from dsys_lab.scenarios.patterns.filters import filters
from dsys_lab.scenarios.patterns.leader_election import billed
from dsys_lab.scenarios.patterns.one_order.followed import AT_THE_SEAM, followed
from dsys_lab.scenarios.patterns.one_order.struck import InPlace, Struck, ages, in_each_place, struck_everywhere
from dsys_lab.scenarios.patterns.settings import settings
from dsys_lab.scenarios.patterns.strangler import replaced
from dsys_lab.scenarios.patterns.translated import translated
from dsys_lab.scenarios.patterns.valet_key import bytes_carried

__all__ = [
    "AT_THE_SEAM",
    "InPlace",
    "Struck",
    "ages",
    "billed",
    "bytes_carried",
    "filters",
    "followed",
    "in_each_place",
    "large",
    "order",
    "pools",
    "replaced",
    "reports",
    "settings",
    "stamps",
    "storm",
    "struck_everywhere",
    "translated",
]
