-- The league tables as they were reported: every row with the time from and to which its release was current.
with

released_league_table as (

    select * from {{ ref('released_league_table') }}

),

release_period as (

    select * from {{ ref('release_period') }}

),

final as (

    select
        released_league_table.quarter,
        released_league_table.release_id,
        released_league_table.is_sample,
        released_league_table.table_name,
        released_league_table.organisation_code,
        released_league_table.organisation_name,
        released_league_table.organisation_subtype,
        released_league_table.region,
        released_league_table.average_metric_score,
        released_league_table.average_metric_score_exact,
        released_league_table.metric_count,
        released_league_table.unadjusted_segment,
        released_league_table.financial_override,
        released_league_table.financial_override_basis,
        released_league_table.adjusted_segment,
        released_league_table.final_segment,
        released_league_table.rank,
        released_league_table.organisations_in_table,
        released_league_table.threshold_basis,
        released_league_table.framework,
        released_league_table.release_state,
        released_league_table.average_likely_low,
        released_league_table.average_likely_high,
        released_league_table.segment_likely_low,
        released_league_table.segment_likely_high,
        released_league_table.rank_likely_low,
        released_league_table.rank_likely_high,
        release_period.valid_from,
        release_period.valid_to
    from released_league_table
    inner join release_period
        on {{ same_release('released_league_table', 'release_period') }}

)

select * from final
