"""The wearables of Slumber send their pings as objects: under which keys, in how many parts, on how many drives?

`drives` lets drives die, `uploads` sends over a bad line, `prefixes` writes under hot keys, `writers` writes the same
object from several sides. `counts` is what many runs come to, `tables` what is asked of a bucket that is full.
"""

from dsys_lab.scenarios.object_store.drives import lost_drives
from dsys_lab.scenarios.object_store.prefixes import hot_prefix
from dsys_lab.scenarios.object_store.uploads import upload
from dsys_lab.scenarios.object_store.writers import counter, too_early

__all__ = ["counter", "hot_prefix", "lost_drives", "too_early", "upload"]
