"""The warehouse of a run: what dbt builds in it and what readers put in it."""
