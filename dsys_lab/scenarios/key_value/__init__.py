"""Every sleeper has a card with last night's sleep; who keeps which card, in how many copies, on how many bytes?

`cards` has the runs of the partitioned table on the machines of `machines`, `quorum_ring` those of the store without a
leader, `log_structured` those of runs that fall and merge. `tables` are tables to ask, `counts` what many runs come to.
"""

from dsys_lab.scenarios.key_value.cards import hot_key, index_falls_behind, leader_fails, replica_reads, retry_storm
from dsys_lab.scenarios.key_value.log_structured import falling_runs
from dsys_lab.scenarios.key_value.quorum_ring import ring

__all__ = ["falling_runs", "hot_key", "index_falls_behind", "leader_fails", "replica_reads", "retry_storm", "ring"]
