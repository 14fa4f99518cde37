"""A video was uploaded: everyone who is subscribed at that moment hears of it.

`uploads` has the runs, `machines` the topic on a machine and those who sit at it; `counts` says what many runs come to.
"""

from dsys_lab.scenarios.publish_subscribe.uploads import fan_out, filtering, isolation, order, outage, seats

__all__ = ["fan_out", "filtering", "isolation", "order", "outage", "seats"]
