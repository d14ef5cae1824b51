"""A second scorer in exact fractions, from the archived bytes to the rank: what `explain` and the sample compute with.

How it is told is not here (story).
"""
