"""Who knows whom at Slumber, over how many hops, and at what price.

`wave` is the run to be played, in `waves` with what is counted hop by hop. `companies` makes the graphs, `indexes`
asks sixteen patterns, `questions` asks what a company asks (and cuts the power), `routes` are the flights as a graph.
"""

from dsys_lab.scenarios.graph.waves import wave

__all__ = ["wave"]
