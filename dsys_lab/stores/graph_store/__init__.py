"""A graph: who is connected to whom, over how many steps, and at what price?

Rows of a table can be connected, too: a join follows one step, a second join another. The steps of a graph are not
counted beforehand. This room keeps a graph as *statements* in ordered indexes, as Amazon Neptune does, asks it in
*Cypher*, and puts beside it the array of neighbours that people think of when they hear of graph databases. ::

    Cypher text ──> plan ──> expand, expand, ...        one row becomes as many as there are edges
                               │
                     edges of a vertex: a range of keys in SPOG (forward) or POGS (backward)
                               │
                     sorted runs + what came since, and a log     ──made from it──>   adjacency: arrays of neighbours

In reading order: `quads` (which index answers?), `terms`, `sorted_run`, `ordered_index`, `journal`, `quad_store` (all
of it, durable), `schema`, `verbs` (what a graph can be asked), `property_graph`, `cypher`, `adjacency`.

Left out: graphs on many machines, where an edge that was cut is a message; Gremlin and SPARQL; algorithms over the
whole graph, such as PageRank.

Sources: Amazon Neptune User Guide; Robinson, Webber and Eifrem, *Graph Databases*, ch. 6; Bronson et al., "TAO:
Facebook's distributed data store for the social graph", USENIX ATC 2013.
"""

from dsys_lab.stores.graph_store.adjacency import Adjacency, Wave
from dsys_lab.stores.graph_store.property_graph import PropertyGraph
from dsys_lab.stores.graph_store.quad_store import QuadStatus, QuadStore
from dsys_lab.stores.graph_store.quads import DEFAULT_ORDERS, ORDERS, PATTERNS, Quad, Way, way
from dsys_lab.stores.graph_store.schema import GraphSchema
from dsys_lab.stores.graph_store.verbs import Graph, GraphStatus, Loaded

__all__ = [
    "DEFAULT_ORDERS",
    "ORDERS",
    "PATTERNS",
    "Adjacency",
    "Graph",
    "GraphSchema",
    "GraphStatus",
    "Loaded",
    "PropertyGraph",
    "Quad",
    "QuadStatus",
    "QuadStore",
    "Wave",
    "Way",
    "way",
]
