"""Data at rest.

`table` says what may be asked of a table, `bounds` how a range is asked of numbers of one type, `key_value.verbs` what
may be asked of a key-value store; the stores differ in which bytes they touch to answer.
"""
