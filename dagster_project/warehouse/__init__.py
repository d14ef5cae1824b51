"""The warehouse of a run: what dbt builds in it and what readers put in it.

The SQL itself stands in `dbt/`; swapping a finished warehouse in belongs to `releases/`.
"""
