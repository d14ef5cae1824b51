-- League-table rows of every release that a run published: what a later release replaces stays here.
{{ config(
    schema='history',
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ delete_releases_in_scope() }}"
) }}
{{ league_table_of() }}
