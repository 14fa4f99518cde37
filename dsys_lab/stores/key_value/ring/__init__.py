"""How does a store stay writable when any of its machines may be out of reach, and what does that cost the reader?

Amazon's Dynamo of 2007 (which is not DynamoDB): every key lives on the first N machines clockwise on a ring of hashes,
and none of them leads. A write is sent to all N and acknowledged when W have it; a read asks R and joins what they say.

- If R + W > N, those that are asked and those that have the write overlap in one machine at least: no read is stale.
- If not, a read may ask only machines that the write has not reached yet. Right after the acknowledgement, with the
  asked drawn by luck, that is `C(N - W, R) / C(N, R)` of them.
- With a *sloppy* quorum another machine stands in for one that is down, so writes go on; but stand-ins do not overlap
  with those that are asked later, so R + W > N promises nothing any more. They keep a *hint*, and hand over later.

Two writers who have not read each other's version make *siblings*: both are kept, and the reader joins them
(`version_vector`). A reader that finds some of the asked behind sends them what they lack: *read repair*.

The ring promises
-----------------
1. An acknowledged version is never lost while one of its W machines lives: it is read, or one that has seen it is. (Not
   with `last_writer_wins`, the simplest wrong thing, which throws concurrent versions away.)
2. With R + W > N, no stand-ins, and machines that keep what they had, every read sees every write that was acknowledged
   before it.
3. When all machines are up and every message has arrived, hints included, what every home machine has of a key that was
   read from all of them is the same.

Cost: N messages a write, R a read; a context that grows with the machines that took in versions of the key.

Left out: Merkle trees, by which machines compare what they have without a reader; machines that join or leave (see
`HashRing`); gossip.

Sources: DeCandia et al., "Dynamo: Amazon's highly available key-value store", SOSP 2007; Gifford, "Weighted voting for
replicated data", SOSP 1979; Bailis et al., "Probabilistically bounded staleness", VLDB 2012.
"""

from dsys_lab.stores.key_value.ring.ring import Got, Put, Ring, RingStatus
from dsys_lab.stores.key_value.ring.version_vector import (
    Vector,
    Version,
    context_of,
    covers,
    keep_siblings,
    last_writer_wins,
)

__all__ = [
    "Got",
    "Put",
    "Ring",
    "RingStatus",
    "Vector",
    "Version",
    "context_of",
    "covers",
    "keep_siblings",
    "last_writer_wins",
]
