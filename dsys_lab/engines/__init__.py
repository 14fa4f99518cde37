"""The real ones, same verbs.

A model is right as far as a real engine says so. Each engine here is the real program, started from its wheel on this
machine's loopback (`server`, `keeper`), spoken to with the model's verbs, leaving the model's rows: so the same player,
ledger and invariants run on reality (`wall_clock`), and the same conformance tests hold for both. What an engine does
otherwise than its model stands in its `DIFFERENCES` (`difference`).

Reading order: `keeper`, `kept_process`, `server`, `connection`, `event_loop`, `wall_clock`, `difference`, `work_queue`
(what the queues share), then the engines.
"""
