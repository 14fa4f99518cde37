"""One order through every store and broker.

In reading order: `order` (what is told, and its digest), `path` (who tells whom), `shop`, `capture`, `copies`,
`streams`, `batches` (the places, each with its room), `followed` (all of them in one run), `struck` (each place fails
once).
"""
