"""Two ways to ask for paths that others built: a graph engine, and SQL.

`LadybugGraph` takes the same Cypher text as the model (`dsys_lab.stores.graph_store`) and answers by the same verbs.
Ladybug is the successor of Kuzu: openCypher inside the process, columns and compressed rows of neighbours on the disk.

`SqlGraph` keeps the edges in a table of SQLite with an index, and asks by joins or by `WITH RECURSIVE`; the pages that
it reads are counted. `hop_costs` holds an index, SQL and lists of neighbours against each other.

Sources: docs.ladybugdb.com, "Cypher manual: recursive relationships"; sqlite.org, "The WITH clause"; behaviour as
measured with ladybug 0.22.0 and apsw 3.54.1.
"""

from dsys_lab.errors import EngineMissing

try:
    from dsys_lab.engines.graph.hop_costs import hop_costs
    from dsys_lab.engines.graph.ladybug_graph import DIFFERENCES, LadybugGraph
    from dsys_lab.engines.graph.recursive_sql import SqlGraph, SqlStatus
except ModuleNotFoundError as missing:
    raise EngineMissing(f"{missing.name} is not installed: `make lab` installs it") from missing

__all__ = ["DIFFERENCES", "LadybugGraph", "SqlGraph", "SqlStatus", "hop_costs"]
