"""A table and what is made of it elsewhere: who tells the copy, and what becomes of it?

`shelf`: two clerks who write to both, or a log that tells. `outbox`: messages in a table, and who asks for what is new.
`capture`: two views follow one log, and are killed. `rebuilding`: a view takes another's place. `own_reads`: who looks
too early for what they wrote. What many runs come to is counted in `counts`, `lagging` and, at the model and at
PostgreSQL alike, in `sides`.
"""

from dsys_lab.scenarios.derived_dataflows.capture import capture, rebuilding
from dsys_lab.scenarios.derived_dataflows.lagging import own_reads
from dsys_lab.scenarios.derived_dataflows.outbox import outbox
from dsys_lab.scenarios.derived_dataflows.shelf import shelf

__all__ = ["capture", "outbox", "own_reads", "rebuilding", "shelf"]
