-- League-table rows of every release that a run published: what a later release replaces stays here.
{{ config(
    schema='history',
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ delete_releases_in_scope() }}"
) }}
with

league_table as (

    select * from {{ ref('league_table') }}

),

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

final as (

    select
        league_table.quarter,
        league_table.release_id,
        league_table.is_sample,
        league_table.table_name,
        league_table.organisation_code,
        league_table.organisation_name,
        league_table.organisation_subtype,
        league_table.region,
        league_table.average_metric_score,
        league_table.average_metric_score_exact,
        league_table.metric_count,
        league_table.unadjusted_segment,
        league_table.financial_override,
        league_table.financial_override_basis,
        league_table.adjusted_segment,
        league_table.final_segment,
        league_table.rank,
        league_table.organisations_in_table,
        league_table.threshold_basis,
        league_table.framework,
        league_table.release_state,
        league_table.average_likely_low,
        league_table.average_likely_high,
        league_table.segment_likely_low,
        league_table.segment_likely_high,
        league_table.rank_likely_low,
        league_table.rank_likely_high
    from league_table
    inner join quarter_in_scope
        on league_table.quarter = quarter_in_scope.quarter

)

select * from final
