"""dsys_lab: understand data systems by running them.

One sentence carries the whole: **a workload asks a system; the system leaves a trace; views show the trace.**

The rooms in reading order, from the ground up; nothing imports upwards:

====================  ===================================================================================
`errors`, `laws`      what a failed call lets you conclude; every formula a run is held against
`progress`            how far it is: one bar for all that may take long
`trace`               what a run leaves behind: the vocabulary, the recorders, the invariants
`simulation`          time, chance and trouble, on SimPy
`workloads`           what the world asks: the sleep survey's tables, the flights, keys and arrivals
`structures`          shapes that systems share: a disk that can lose power, a log, pages, trees, encodings
`stores`              data at rest: row by row, column by column, relational, by key
`brokers`             data in motion: buffers that overflow, queues that lend
`dataflows`           data made from data: a fold over files and streams, windows of event time, queries that never end
`scenarios`           the sentence performed: one folder a lab, one function a claim
`engines`             the real ones, behind the same verbs
`views`               eyes on a trace: the player and the charts
`lessons`             what a reader touches: predictions, exercises, progress
====================  ===================================================================================
"""
