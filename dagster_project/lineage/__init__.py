"""Which columns each released column comes from, and what a run tells other catalogues of it (OpenLineage)."""
