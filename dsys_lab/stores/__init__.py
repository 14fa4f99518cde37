"""Data at rest.

`table` says what may be asked of a table, `key_value.verbs` of a key-value store; the stores differ in which bytes they
touch to answer.
"""
