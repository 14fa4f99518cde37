"""A store of events, three times behind the same verbs: the model's log, JetStream, and a table of PostgreSQL.

`STORES` makes each by its name; `JETSTREAM` and `POSTGRES` say what each of the engines does otherwise, and for each
row a test proves that it is so, but for the power cut. The engines are `dsys_lab.engines.nats.event_store` and
`dsys_lab.engines.postgres.event_store`.
"""

from dsys_lab.engines.event_store.differences import JETSTREAM, POSTGRES
from dsys_lab.engines.event_store.stores import STORES, opened, who_is_too_late

__all__ = ["JETSTREAM", "POSTGRES", "STORES", "opened", "who_is_too_late"]
