"""One table, laid down by row and by column: who reads which bytes, and who has to wait?

`layouts` has the runs. `night_tables` lays the nights of Slumber down in every store that takes a table,
`flight_tables` a month of real flights; `page_pictures` shows a store at work page by page, `served_table` one table
with many who ask it, and `counts` what many runs come to.
"""

from dsys_lab.scenarios.oltp_and_analytics.layouts import columns_asked, interference, one_or_all, rows_asked, taking_in

__all__ = ["columns_asked", "interference", "one_or_all", "rows_asked", "taking_in"]
