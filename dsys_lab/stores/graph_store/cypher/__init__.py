"""A small openCypher: enough to follow paths, and to change a graph.

::

    MATCH (a:Person {id: 17})-[:FRIEND*1..3]-(b), (b)-[r:RATED]->(c)          patterns: paths of vertices and edges
    WHERE b.age > 30 AND NOT c.id IN [1, 2]                                   what must hold
    RETURN DISTINCT b.name, count(*) AS n ORDER BY n DESC LIMIT 5             or CREATE, SET, DELETE, DETACH DELETE

In reading order: `syntax` (what a query is), `grammar` (its text), `binding` (does the graph have what it names?),
`expressions`, `planning` (where to begin), `paths` (one step, or any number), `matching` (the steps, one after
another), `running` (all of it, with RETURN and the writes).

Left out: OPTIONAL MATCH, WITH, UNWIND, MERGE, lists of vertices, functions; several labels at one vertex.

Sources: openCypher, "Cypher Query Language Reference, version 9"; Francis et al., "Cypher: an evolving query language
for property graphs", SIGMOD 2018.
"""
