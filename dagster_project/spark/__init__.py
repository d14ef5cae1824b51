"""Spark in DuckDB's place: the session, what is put in it, draws and gates over what it built, and the lake.

The models are dbt's own, the same files as on DuckDB; the order is that of `runs/flow.py`. Nothing of Dagster, and no
formula of the methodology: what differs between the engines' SQL stands in `dbt/macros/`.
"""
