"""What consumers are promised: an Open Data Contract made from dbt's YAML, and which changes of it are allowed.

What a table holds and means stands in dbt's YAML alone; how a release is written belongs to `releases/`.
"""
