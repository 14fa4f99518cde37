"""Data made from data: what is computed once over all of it, or again with every record.

`batch` (one function over what is bounded and what is not), `windows` (when is a stretch of event time complete?),
`streaming_sql` (a query that never ends), `change_capture` (a copy that is told by the log), `derived_view` (what such
copies are, and what they cost), `event_sourcing` (what happened is the truth, what is the case is folded from it),
`service` (one fact, three ways to those who need it), `verification` (promise now, find out later, and apologise). In
reading order.
"""
