"""Loads and runs the Great Expectations suites of expectations/.

The suites and their SQL stand in `expectations/`; what a closed gate means for a run, in `runs/`.
"""
