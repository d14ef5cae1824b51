"""Loads and runs the Great Expectations suites of expectations/."""
