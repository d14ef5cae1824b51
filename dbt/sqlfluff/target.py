"""What sqlfluff takes for dbt's `target`: the models are linted as DuckDB's."""

type = "duckdb"
