"""Documents made from what the project already says once: dbt's YAML, the seeds, the suites.

Pages about a run or a release, such as its quality page, belong to `gates/` and `releases/`.
"""
