"""Data at rest.

`table` says what may be asked of a table; the stores differ in which bytes they touch to answer.
"""
