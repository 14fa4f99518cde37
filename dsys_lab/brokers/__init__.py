"""Data in motion.

Every broker is pure: time, chance and destinations are arguments, nothing sleeps, and the recorder is an argument with
a silent default. So the same object is simulated, tested, benchmarked and run beside the real engine.
"""
