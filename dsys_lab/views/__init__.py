"""Eyes on a trace.

A view knows the trace and nothing else: no system, no scenario. `theme` fixes what every colour means; `player` shows
any run as a moving picture that can be stopped, stepped both ways and followed.
"""
