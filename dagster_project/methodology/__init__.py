"""The rules of scoring as rows: reading them, checking them, choosing the framework of a quarter.

A number of the methodology is not here: every one is a row in `dbt/seeds/methodology/`.
"""
