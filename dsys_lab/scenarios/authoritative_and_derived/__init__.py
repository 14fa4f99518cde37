"""A true copy and those made from it: caches, replicas, views; what they cost and when they lie.

`caching` has the run `cached` (a table behind a cache), `herd` the run of the same name (many miss one key at once),
`following` the runs `following` (a replica behind its log, and who reads too early) and `reordered` (changes that
overtake each other). `counts` says what many runs come to.
"""

from dsys_lab.scenarios.authoritative_and_derived.caching import cached
from dsys_lab.scenarios.authoritative_and_derived.following import following, reordered
from dsys_lab.scenarios.authoritative_and_derived.herd import herd

__all__ = ["cached", "following", "herd", "reordered"]
