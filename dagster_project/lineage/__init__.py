"""Which columns each released column comes from, and what a run tells other catalogues of it (OpenLineage).

What a figure was made of, file and line, is the released table `lineage` (dbt/models/audit), not here.
"""
