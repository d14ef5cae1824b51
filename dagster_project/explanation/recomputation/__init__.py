"""A second scorer in exact fractions, from the archived bytes to the rank: what `explain` and the sample compute with.

Values and rules come in by rules, raw_rows and counted_cells; pool, metric_scores and standings are pure functions
of them. Sentences about figures aren't here (story), nor is anything of the SQL, so that each checks the other.
"""
