"""Documents made from what the project already says once: dbt's YAML, the seeds, the suites."""
