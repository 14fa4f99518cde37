"""What the world asks, and the data that it asks about.

`slumber` is the made-up world whose every answer is known; `flights` the real one, with its gaps. `keys` says which
rows are asked for, `arrivals` when, and `operations` what: point reads, inserts and analytic questions as plain
values, which a model and a real engine can both carry out and whose answers compare by digest.
"""
