-- The league tables: one row per organisation, segment and rank with what they rest on.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

organisation_in_quarter as (

    select * from {{ ref('organisation_in_quarter') }}

),

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

league_rank as (

    select * from {{ ref('league_rank') }}

),

likely_range as (

    select * from {{ source('drawn', 'likely_range_end') }}
    where variant = 'fixed_cut_points'

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        average_metric_score.table_name,
        average_metric_score.organisation_code,
        organisation_in_quarter.organisation_name,
        organisation_in_quarter.organisation_subtype,
        organisation_in_quarter.region,
        average_metric_score.average_metric_score,
        average_metric_score.average_metric_score_exact,
        average_metric_score.metric_count,
        final_segment.unadjusted_segment,
        final_segment.financial_override,
        final_segment.financial_override_basis,
        final_segment.adjusted_segment,
        cast(final_segment.final_segment as integer) as final_segment,
        league_rank.rank,
        league_rank.organisations_in_table,
        final_segment.threshold_basis,
        quarter_in_scope.framework,
        quarter_in_scope.release_state,
        likely_range.average_low as average_likely_low,
        likely_range.average_high as average_likely_high,
        likely_range.segment_low as segment_likely_low,
        likely_range.segment_high as segment_likely_high,
        likely_range.rank_low as rank_likely_low,
        likely_range.rank_high as rank_likely_high
    from average_metric_score
    inner join quarter_in_scope
        on average_metric_score.quarter = quarter_in_scope.quarter
    inner join organisation_in_quarter
        on
            average_metric_score.quarter = organisation_in_quarter.quarter
            and average_metric_score.table_name = organisation_in_quarter.table_name
            and average_metric_score.organisation_code = organisation_in_quarter.organisation_code
    inner join final_segment
        on
            average_metric_score.quarter = final_segment.quarter
            and average_metric_score.table_name = final_segment.table_name
            and average_metric_score.organisation_code = final_segment.organisation_code
    inner join league_rank
        on
            average_metric_score.quarter = league_rank.quarter
            and average_metric_score.table_name = league_rank.table_name
            and average_metric_score.organisation_code = league_rank.organisation_code
    left join likely_range
        on
            average_metric_score.quarter = likely_range.quarter
            and average_metric_score.table_name = likely_range.table_name
            and average_metric_score.organisation_code = likely_range.organisation_code

)

select * from final
