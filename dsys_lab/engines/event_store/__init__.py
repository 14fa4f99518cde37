"""A store of events, three times behind the same verbs: the model's log, JetStream, and a table of PostgreSQL.

`STORES` makes each by its name; `DIFFERENCES` says what each of the engines does otherwise, and for each row a test
proves that it is so. The engines are `dsys_lab.engines.nats.event_store` and `dsys_lab.engines.postgres.event_store`.
"""

from dsys_lab.engines.event_store.differences import JETSTREAM, POSTGRES
from dsys_lab.engines.event_store.stores import STORES, opened, who_is_too_late

__all__ = ["JETSTREAM", "POSTGRES", "STORES", "opened", "who_is_too_late"]
